import * as Flags from '@oclif/core/flags';
import { makePlan } from '../app/plan.ts';
import { savePlan } from '../app/plan-file.ts';
import { isError } from '../model/index.ts';
import { planJson } from '../ui/plan-json.ts';
import { printableJson } from '../ui/printable.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import {
  appContext,
  configurationAsk,
  configurationFlags,
  environmentArgument,
  jsonFlag,
  selectionFlags,
} from './flags.ts';
import { commandText, planComment, planText } from './plan-view.ts';

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
    'refresh-only': Flags.boolean({ description: 'Only what others changed since it was recorded.' }),
    'no-refresh': Flags.boolean({ description: 'Take the record for the world, and read nothing.' }),
    concise: Flags.boolean({ description: 'One line for each change.' }),
    markdown: Flags.boolean({ description: 'A comment for a pull request.', exclusive: ['json', 'concise'] }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(PlanCommand);
    const cx = appContext(this.terminal);
    const planned = await makePlan(
      {
        ...configurationAsk(args.environment, flags),
        targets: flags.target ?? [],
        excluded: flags.exclude ?? [],
        refreshOnly: flags['refresh-only'],
        noRefresh: flags['no-refresh'],
      },
      cx,
    );
    await using _ = planned.reach;
    const { plan } = planned;
    if (flags.out !== undefined) savePlan(plan, flags.out);
    if (flags.json) this.print(printableJson(planJson(plan)));
    else {
      const show = flags.markdown ? planComment : planText;
      this.print(
        show(planned, this.terminal, {
          concise: flags.concise,
          ...(flags.out === undefined ? {} : { out: flags.out }),
          command: commandText('apply', planned.loaded.environment.name, flags),
        }),
      );
    }
    if (plan.held.some(isError)) return exitCode.error;
    return flags['detailed-exitcode'] && plan.changes.length + plan.steps.length > 0
      ? exitCode.changesPending
      : exitCode.done;
  }
}
