import * as Flags from '@oclif/core/flags';
import { loadState } from '../../app/load.ts';
import { migrateState, migrationSource, unchangedState } from '../../app/state-transfer.ts';
import { printable } from '../../ui/printable.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import {
  appContext,
  configurationAsk,
  configurationFlags,
  environmentArgument,
  jsonFlag,
  lockFlags,
} from '../flags.ts';
import { withLock } from '../with-lock.ts';
import { transferredJson, transferredText, transferWarnings } from './transferred.ts';

export default class StateMigrate extends BaseCommand {
  static override readonly summary = 'Move the recorded state to where the configuration now declares it.';
  static override readonly description =
    'Change state "local" { path = ... } first, then run this. What was there is copied whole, history and all, and verified; the old folder is kept, notes where its content went, and refuses to be used any more.';
  static override readonly examples = [
    '<%= config.bin %> state migrate prod',
    '<%= config.bin %> state migrate prod --from /srv/deployctl/prod',
  ];
  static override readonly args = environmentArgument;
  static override readonly flags = {
    ...configurationFlags,
    from: Flags.string({
      description: 'The folder of the state until now. Default: .deployctl/ENV, the usual place.',
      helpValue: 'FOLDER',
    }),
    force: Flags.boolean({ description: 'Replace also a state that is newer, or another one.' }),
    ...lockFlags,
    ...jsonFlag,
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StateMigrate);
    const cx = appContext(this.terminal);
    const { state, environment } = await loadState(configurationAsk(args.environment, flags), cx);
    const from = migrationSource(flags.from, environment, cx);
    const ask = { from: from.path, force: flags.force };
    const done =
      from.path === state.path
        ? await unchangedState(state)
        : await withLock(from, environment.name, flags, cx, () =>
            withLock(state, environment.name, flags, cx, () => migrateState(state, ask, cx)),
          );
    this.report(transferWarnings(done));
    this.print(
      flags.json
        ? transferredJson(environment.name, done)
        : `${transferredText(done, this.terminal.color.stdout)}${done.isChanged ? printable(`\nIt was in ${from.path}, which is kept and not used any more.`) : ''}`,
    );
    return exitCode.done;
  }
}
