import * as Flags from '@oclif/core/flags';
import { abortRun } from '../app/apply.ts';
import { loadEnvironment } from '../app/load.ts';
import { actorOf } from '../app/state.ts';
import { BaseCommand } from './base.ts';
import type { ExitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, lockFlags } from './flags.ts';
import { withLock } from './perform.ts';
import { runWithView } from './run-view.ts';

export default class Abort extends BaseCommand {
  static override readonly summary = 'Give up the run that stopped part-way, and undo what it did.';
  static override readonly description =
    'Undoes the steps that were done, the last one first, each looked at before and after. A run that is going on right now is steered where it runs: by Ctrl-C, or by the keys of its view.';
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    ...lockFlags,
    parallelism: Flags.integer({
      description: 'How many steps at once.',
      default: 10,
      min: 1,
      helpValue: 'N',
    }),
    json: Flags.boolean({ description: 'One event a line on standard output, and nothing else.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Abort);
    const cx = appContext(this.terminal);
    const { declared, environment } = await loadEnvironment(configurationAsk(args.environment, flags), cx);
    return withLock(declared.state, environment.name, flags, cx, async () => {
      const result = await runWithView((running) => abortRun(declared, running, cx), this.terminal, {
        ...flags,
        who: actorOf(cx).who,
        environment: environment.name,
      });
      return result.exitCode;
    });
  }
}
