import * as Flags from '@oclif/core/flags';
import type { AppContext } from '../app/context.ts';
import { loadState } from '../app/load.ts';
import { makePlan, type PlanAsk, type Planned } from '../app/plan.ts';
import { refuseUnwritable, savePlan } from '../app/plan-file.ts';
import { isError } from '../model/index.ts';
import { planJson } from '../ui/plan-json.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import {
  appContext,
  conciseFlag,
  configurationAsk,
  configurationFlags,
  environmentArgument,
  jsonFlag,
  parallelismFlag,
  refreshFlags,
  selectionFlags,
} from './flags.ts';
import { jsonText } from './json-text.ts';
import { planComment, planText } from './plan-view.ts';
import { withLock } from './with-lock.ts';

export default class PlanCommand extends BaseCommand {
  static override readonly summary = 'Show what would change, every step of it, and what was proved.';
  static override readonly description =
    'Reads the hosts and load balancers and changes nothing. Exits with 1 where something could not be seen.';
  static override readonly examples = [
    '<%= config.bin %> plan prod',
    '<%= config.bin %> plan prod --var version=2.0.0 --out p.plan',
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    ...selectionFlags,
    ...jsonFlag,
    out: Flags.string({ description: 'Save the plan, to apply exactly it later.', helpValue: 'FILE' }),
    'detailed-exitcode': Flags.boolean({ description: 'Exit with 2 where changes are pending.' }),
    ...refreshFlags,
    ...conciseFlag,
    markdown: Flags.boolean({ description: 'A comment for a pull request.', exclusive: ['json', 'concise'] }),
    ...parallelismFlag,
    'lock-timeout': Flags.string({
      description:
        'Wait so long, as 30s, for a run in progress, and keep others out while it plans. By itself plan takes no lock.',
      helpValue: 'DURATION',
    }),
    'no-lock': Flags.boolean({ description: 'Take no lock, even with --lock-timeout.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PlanCommand);
    const cx = appContext(this.terminal);
    refuseUnwritable(flags.out);
    const ask = {
      ...configurationAsk(args.environment, flags),
      targets: flags.target ?? [],
      excluded: flags.exclude ?? [],
      refreshOnly: flags['refresh-only'],
      noRefresh: flags['no-refresh'],
    };
    const planned = await this.#underLock(ask, flags['no-lock'] ? undefined : flags['lock-timeout'], cx);
    await using _ = planned.reach;
    const { plan } = planned;
    if (flags.out !== undefined) savePlan(plan, flags.out);
    if (flags.json) this.print(jsonText(planJson(plan), this.terminal.call));
    else {
      const show = flags.markdown ? planComment : planText;
      this.print(
        show(planned, this.terminal, {
          concise: flags.concise,
          parallelism: flags.parallelism,
          ...(flags.out === undefined ? {} : { out: flags.out }),
          tellsCommand: true,
        }),
      );
    }
    if (plan.held.some(isError)) return exitCode.error;
    return flags['detailed-exitcode'] && plan.changes.length + plan.steps.length > 0
      ? exitCode.changesPending
      : exitCode.done;
  }

  /** Whoever waits for a run wants the plan of what it leaves. */
  async #underLock(ask: PlanAsk, timeout: string | undefined, cx: AppContext): Promise<Planned> {
    if (timeout === undefined) return makePlan(ask, cx);
    const { state, environment } = await loadState(ask, cx);
    const lock = { 'lock-timeout': timeout, 'no-lock': false };
    return withLock(state, environment.name, lock, cx, () => makePlan(ask, cx));
  }
}
