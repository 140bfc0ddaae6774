import * as Flags from '@oclif/core/flags';
import { BaseCommand } from './base.ts';
import type { ExitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument } from './flags.ts';
import { steerRun } from './steer.ts';

export default class Continue extends BaseCommand {
  static override readonly summary = 'Let a paused run go on.';
  static override readonly description = 'Undoes "deployctl pause", whoever asked for it.';
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,

    json: Flags.boolean({ description: 'One JSON document.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Continue);
    return steerRun(
      configurationAsk(args.environment, flags),
      {
        kind: 'continue',

        done: (run) => `${run} goes on.`,
        idle: (run) => `${run} is not paused.`,
      },
      flags.json,
      appContext(this.terminal),
      (text) => this.print(text),
    );
  }
}
