import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { approvePlan } from '../app/approvals.ts';
import { loadPlan } from '../app/plan-file.ts';
import { actorOf } from '../app/state.ts';
import { shellWord } from '../model/shell-word.ts';
import { BaseCommand, CommandFailure } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext } from './flags.ts';

export default class Approve extends BaseCommand {
  static override readonly summary = 'Sign a saved plan, so that it may be applied.';
  static override readonly description =
    "Signs with an SSH key of yours that the policy's file of allowed signers knows, and keeps the signature beside the plan's file. Look at the plan first: deployctl show PLANFILE.";
  static override readonly examples = ['<%= config.bin %> approve p.plan'];
  static override readonly args = {
    plan: Args.string({ description: 'The file of a saved plan.', required: true }),
  };
  static override readonly flags = {
    key: Flags.string({
      description: 'The key to sign with. Default: the first of the agent or of ~/.ssh that may sign.',
      helpValue: 'FILE',
    }),
    json: Flags.boolean({ description: 'One JSON document.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Approve);
    const cx = appContext(this.terminal);
    const loaded = loadPlan(args.plan);
    if (!loaded.ok) throw new CommandFailure(loaded.diagnostics);
    const plan = loaded.value;
    cx.call.means(plan.declared.folder);
    const { principal, path } = await approvePlan({
      plan,
      planPath: args.plan,
      key: flags.key,
      who: actorOf(cx).who,
      at: new Date(cx.clock.now()),
    });
    this.print(
      flags.json
        ? JSON.stringify({ format_version: '1.0', digest: plan.digest, principal, signature: path })
        : `Approved as ${principal}: the signature is in ${path}.\nKeep it beside the plan. To perform the plan:  ${cx.call.pasteable(`deployctl apply ${shellWord(args.plan)}`)}`,
    );
    return exitCode.done;
  }
}
