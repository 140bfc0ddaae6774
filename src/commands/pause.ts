import * as Flags from '@oclif/core/flags';
import { BaseCommand } from './base.ts';
import type { ExitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument } from './flags.ts';
import { steerRun } from './steer.ts';

export default class Pause extends BaseCommand {
  static override readonly summary = 'Let the run in progress start nothing new.';
  static override readonly description =
    'Steps in hand are finished and recorded; waits by the clock go on. "deployctl continue" lets it go on, "deployctl abort" undoes what it did.';
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,

    json: Flags.boolean({ description: 'One JSON document.' }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Pause);
    return steerRun(
      configurationAsk(args.environment, flags),
      {
        kind: 'pause',

        done: (run) =>
          `${run} is paused: steps in hand are finished, nothing new starts.\nGo on:  deployctl continue ENV      Undo:  deployctl abort ENV`,
        idle: (run) => `${run} was paused already, or is stopping.`,
      },
      flags.json,
      appContext(this.terminal),
      (text) => this.print(text),
    );
  }
}
