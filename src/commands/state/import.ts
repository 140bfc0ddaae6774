import { loadDeclaration } from '../../app/load.ts';
import { type Imported, observeForImport, recordImported } from '../../app/record-edits.ts';
import { openForWriting } from '../../app/state.ts';
import { paint } from '../../ui/paint.ts';
import { printable, printableJson } from '../../ui/printable.ts';
import { counted } from '../../ui/time-text.ts';
import { addressArguments, addressOf } from '../address-argument.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, jsonFlag, lockFlags } from '../flags.ts';
import { withLock } from '../with-lock.ts';

export default class StateImport extends BaseCommand {
  static override readonly summary = 'Record what stands in the world at an address and below it, as it is.';
  static override readonly description =
    'Looks at the hosts, load balancers and zones and changes none of them. What differs from the record replaces it, so that it is no drift any more. What cannot be seen now, or is not there, is refused, and then nothing is recorded. An import is no deployment: there is nothing to revert to before the next apply.';
  static override readonly examples = [
    '<%= config.bin %> state import prod service.shop',
    `<%= config.bin %> state import prod 'load_balancer.edge.route["shop"]'`,
  ];
  static override readonly args = addressArguments;
  static override readonly flags = { ...configurationFlags, ...lockFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StateImport);
    const { environment: asked, address } = addressOf(args, 'state import');
    const cx = appContext(this.terminal);
    const loaded = await loadDeclaration(configurationAsk(asked, flags), cx);
    const { state } = loaded.declared;
    return withLock(state, loaded.environment.name, flags, cx, async () => {
      await using store = await openForWriting(state);
      const imported = await observeForImport(loaded, await store.read(), address, cx);
      const isNothing = imported.every(({ action }) => action === 'keep');
      if (!isNothing) await recordImported(store, imported, cx);
      const { stateSerial } = await store.read();
      this.print(
        flags.json
          ? printableJson({
              format_version: '1.0',
              environment: loaded.environment.name,
              serial: stateSerial,
              imported: imported.map((each) => ({ address: each.address, action: each.action })),
            })
          : this.#told(imported),
      );
      return exitCode.done;
    });
  }

  #told(imported: readonly Imported[]): string {
    const { bold, symbol } = paint(this.terminal.color.stdout);
    const changed = imported.filter(({ action }) => action !== 'keep');
    if (changed.length === 0) return bold('Nothing to record: all of it is recorded as it stands.');
    return [
      ...changed.map(
        ({ address, action }) => `  ${symbol(action === 'create' ? '+' : '~')} ${printable(address)}`,
      ),
      '',
      bold(
        `Recorded ${counted(changed.length, 'entry', 'entries')} as they stand. Nothing else was changed.`,
      ),
    ].join('\n');
  }
}
