/** The judge of a run: the pure verdicts of src/analysis over what the world of this run answers. */
import { judgeBy } from '../analysis/judge.ts';
import { type Declared, type Judge, ProviderFailure, visible } from '../model/index.ts';
import { ask } from '../providers/analysis/index.ts';
import type { Reach } from './reach.ts';

export const openJudge = (world: Reach, declared: Declared): Judge =>
  judgeBy({
    async measure(judged, side, signal) {
      const provider = world.balancer(judged.balancer);
      if (provider.measure === undefined) return { why: `${judged.balancer} counts nothing` };
      try {
        return await provider.measure(judged.balancer, side, signal);
      } catch (cause) {
        const why = cause instanceof ProviderFailure ? cause.diagnostic.detail : String(cause);
        return { why: visible(why) };
      }
    },
    ask: (asked, judged, signal) =>
      ask(asked, judged, { folder: declared.folder, resolveSecret: world.resolveSecret }, signal),
  });
