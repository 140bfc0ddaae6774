import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { applySavedPlan, declaredForResume, type RunResult, resumeRun } from '../app/apply.ts';
import type { AppContext } from '../app/context.ts';
import { loadEnvironment, locate } from '../app/load.ts';
import { makePlan } from '../app/plan.ts';
import { isPlanFile, loadPlan } from '../app/plan-file.ts';
import { actorOf } from '../app/state.ts';
import { unlockKeys } from '../app/world.ts';
import { isError, type Plan } from '../model/index.ts';
import { withoutStepsJson } from '../ui/refusal-json.ts';
import { BaseCommand, CommandFailure } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import {
  appContext,
  configurationAsk,
  configurationFlags,
  refreshFlags,
  runFlags,
  selectionFlags,
} from './flags.ts';
import { performMade } from './perform.ts';
import { runWithView } from './run-view.ts';
import { withLock } from './with-lock.ts';

export default class Apply extends BaseCommand {
  static override readonly summary =
    'Perform a plan: made now and approved, saved before, or of a run that stopped.';
  static override readonly description =
    'A saved plan needs no approval, and is refused with exit code 6 where a fact that it rests on has changed.';
  static override readonly examples = [
    '<%= config.bin %> apply prod --var version=2.0.0',
    '<%= config.bin %> apply p.plan',
    '<%= config.bin %> apply prod --resume',
  ];
  static override readonly args = {
    environment: Args.string({ description: 'An environment, or the file of a saved plan.' }),
  };
  static override readonly flags = {
    ...configurationFlags,
    ...selectionFlags,
    ...refreshFlags,
    ...runFlags,
    resume: Flags.boolean({ description: 'Go on with the run that stopped part-way.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Apply);
    const cx = appContext(this.terminal);
    const { environment } = args;
    if (environment !== undefined && isPlanFile(environment)) return this.#applyFile(environment, cx);
    const ask = configurationAsk(environment, flags);
    if (flags.resume) {
      const { declared, environment: found } = await declaredForResume(ask, cx);
      await unlockKeys(declared, cx);
      return withLock(declared.state, found.name, flags, cx, async () =>
        this.#show((running) => resumeRun(declared, running, cx), flags, cx),
      );
    }
    return performMade(
      this.terminal,
      {
        make: () =>
          makePlan(
            {
              ...ask,
              targets: flags.target ?? [],
              excluded: flags.exclude ?? [],
              refreshOnly: flags['refresh-only'],
              noRefresh: flags['no-refresh'],
            },
            cx,
          ),
        locate: () => void locate(ask, cx),
        load: () => loadEnvironment(ask, cx),
        verb: 'apply',
        takesRecord: flags['no-refresh'],
      },
      flags,
      cx,
      (text) => this.print(text),
    );
  }

  async #applyFile(path: string, cx: AppContext): Promise<ExitCode> {
    const { flags } = await this.parse(Apply);
    const given = Object.entries({ ...flags, target: flags.target, exclude: flags.exclude });
    const planning = given.filter(
      ([name, value]) =>
        ['var', 'var-file', 'target', 'exclude', 'refresh-only', 'no-refresh', 'resume'].includes(name) &&
        value !== undefined &&
        value !== false,
    );
    if (planning.length > 0) {
      this.refuse({
        code: 'flag-with-saved-plan',
        summary: 'A saved plan takes no planning flags',
        detail: `${path} is a saved plan: what it does is decided, so ${planning.map(([name]) => `--${name}`).join(', ')} would have no effect.`,
        hint: 'Leave it out, or plan again with it.',
      });
    }
    const loaded = loadPlan(path);
    if (!loaded.ok) throw new CommandFailure(loaded.diagnostics);
    const plan: Plan = loaded.value;
    cx.call.means(plan.declared.folder);
    if (plan.intent.kind === 'refresh_only') {
      this.refuse({
        code: 'plan-refresh-only',
        summary: 'There is nothing to apply',
        detail: `${path} was made with --refresh-only: it shows what others changed, and has no steps.`,
      });
    }
    if (plan.steps.length === 0 && !plan.held.some(isError)) {
      this.print(
        flags.json
          ? JSON.stringify(withoutStepsJson(cx.clock.now()))
          : 'No changes. The saved plan has no steps.',
      );
      return exitCode.done;
    }
    await unlockKeys(plan.declared, cx);
    return withLock(plan.declared.state, plan.environment, flags, cx, async () =>
      this.#show((running) => applySavedPlan({ plan, path }, running, cx), flags, cx),
    );
  }

  async #show(
    go: Parameters<typeof runWithView>[0],
    flags: { readonly json: boolean; readonly parallelism: number },
    cx: AppContext,
  ): Promise<ExitCode> {
    const result: RunResult = await runWithView(go, this.terminal, {
      ...flags,
      who: actorOf(cx).who,
    });
    return result.exitCode;
  }
}
