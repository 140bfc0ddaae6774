import * as Flags from '@oclif/core/flags';
import { abortRun, declaredByUnfinished } from '../app/apply.ts';
import type { AppContext, ConfigurationAsk } from '../app/context.ts';
import { stateOf } from '../app/load.ts';
import { actorOf } from '../app/state.ts';
import { runGoingOn } from '../app/steering.ts';
import { unlockKeys } from '../app/world.ts';
import { BaseCommand } from './base.ts';
import type { ExitCode } from './exit-code.ts';
import {
  appContext,
  configurationAsk,
  configurationFlags,
  environmentArgument,
  lockFlags,
  parallelismFlag,
} from './flags.ts';
import { runWithView } from './run-view.ts';
import { steerRun } from './steer.ts';
import { withLock } from './with-lock.ts';

export default class Abort extends BaseCommand {
  static override readonly summary =
    'Give up the run in progress, or the one that stopped part-way, and undo what it did.';
  static override readonly description =
    'Undoes the steps that were done, the last one first, each looked at before and after. A run that is going on in another terminal is told to do so there.';
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    ...lockFlags,
    ...parallelismFlag,
    json: Flags.boolean({ description: 'One event a line on standard output, and nothing else.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Abort);
    const cx = appContext(this.terminal);
    const ask = configurationAsk(args.environment, flags);
    const goingOn = await stateOf(ask, cx);
    if ((await runGoingOn(goingOn.state)) !== undefined) return this.#brake(ask, flags.json, cx);
    const { environment, state } = goingOn;
    await unlockKeys(await declaredByUnfinished(state), cx);
    return withLock(state, environment.name, flags, cx, async () => {
      const result = await runWithView((running) => abortRun(state, running, cx), this.terminal, {
        ...flags,
        who: actorOf(cx).who,
      });
      return result.exitCode;
    });
  }

  /** Another process runs it: that one is told. */
  #brake(ask: ConfigurationAsk, json: boolean, cx: AppContext): Promise<ExitCode> {
    return steerRun(
      ask,
      {
        kind: 'abort',
        done: (run) =>
          `${run} finishes the steps in hand and undoes what it did. See how it goes:  deployctl status ENV`,
        idle: (run) => `${run} is on its way back already.`,
      },
      json,
      cx,
      (text) => this.print(text),
    );
  }
}
