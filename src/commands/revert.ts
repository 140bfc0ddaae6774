import * as Flags from '@oclif/core/flags';
import { loadDeclaration, locate } from '../app/load.ts';
import { makeRevertPlan } from '../app/plan.ts';
import { BaseCommand } from './base.ts';
import type { ExitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, runFlags } from './flags.ts';
import { performMade } from './perform.ts';

export default class Revert extends BaseCommand {
  static override readonly summary =
    'Go back to a recorded deployment: shown, proved and applied like any other plan.';
  static override readonly description =
    'Goes to the deployment before the newest one, unless --to says which. What has to be known for it comes from the record, not from the files of today.';
  static override readonly examples = [
    '<%= config.bin %> revert prod',
    '<%= config.bin %> revert prod --to 41 --service shop',
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    ...runFlags,
    to: Flags.integer({
      description: 'The number of the deployment to go back to.',
      min: 1,
      helpValue: 'ID',
    }),
    service: Flags.string({ description: 'Only this service.', multiple: true, helpValue: 'NAME' }),
    out: Flags.string({ description: 'Save the plan instead of performing it.', helpValue: 'FILE' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Revert);
    const cx = appContext(this.terminal);
    const ask = configurationAsk(args.environment, flags);
    return performMade(
      this.terminal,
      {
        locate: () => void locate(ask, cx),
        load: () => loadDeclaration(ask, cx),
        make: () => makeRevertPlan({ ...ask, to: flags.to, services: flags.service ?? [] }, cx),
        verb: 'revert',
      },
      flags,
      cx,
      (text) => this.print(text),
    );
  }
}
