import * as Args from '@oclif/core/args';
import { stateOf } from '../app/load.ts';
import { unlockState } from '../app/state.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags } from './flags.ts';
import { environmentAndThing } from './optional-environment.ts';

export default class Unlock extends BaseCommand {
  static override readonly summary = 'Clear the record that a dead holder of the lock left.';
  static override readonly description =
    'The lock itself is freed by the kernel when its holder ends; a lock that a living process holds is never taken away.';
  static override readonly examples = ['<%= config.bin %> unlock prod 0f4c1c1e-...'];
  static override readonly args = {
    environment: Args.string({
      description: 'The environment; or the id, where there is only one environment.',
    }),
    id: Args.string({ description: 'The id of the lock, as the error printed it.' }),
  };
  static override readonly flags = configurationFlags;

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Unlock);
    const { environment, thing: id } = environmentAndThing(args.environment, args.id, {
      command: 'unlock',
      what: 'the id of the lock, so that it cannot clear another one than you mean',
      hint: 'The error that told of the lock has the whole line.',
    });
    const { state } = await stateOf(configurationAsk(environment, flags), appContext(this.terminal));
    unlockState(state, id);
    this.print('Unlocked.');
    return exitCode.done;
  }
}
