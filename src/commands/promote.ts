import * as Flags from '@oclif/core/flags';
import { BaseCommand } from './base.ts';
import type { ExitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument } from './flags.ts';
import { steerRun } from './steer.ts';

export default class Promote extends BaseCommand {
  static override readonly summary = 'Let the run in progress go on where it waits for approval.';
  static override readonly description =
    'A canary step with approval = true waits for this. With --full nothing more is waited for: neither time, nor analyses, nor approvals that are still to come. Health checks still decide.';
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    full: Flags.boolean({ description: 'Wait for nothing more.' }),
    json: Flags.boolean({ description: 'One JSON document.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Promote);
    return steerRun(
      configurationAsk(args.environment, flags),
      {
        kind: 'promote',
        full: flags.full,
        done: (run) => `${run} is promoted${flags.full ? ', with every wait that is left' : ''}.`,
        idle: (run) => `${run} waits for no approval now.`,
      },
      flags.json,
      appContext(this.terminal),
      (text) => this.print(text),
    );
  }
}
