import * as Flags from '@oclif/core/flags';
import { loadState } from '../../app/load.ts';
import { forget, recordedWithin } from '../../app/record-edits.ts';
import { openForWriting, readRecorded } from '../../app/state.ts';
import { paint } from '../../ui/paint.ts';
import { printable, printableJson } from '../../ui/printable.ts';
import { approve } from '../../ui/prompt.ts';
import { counted } from '../../ui/time-text.ts';
import { addressArguments, addressOf } from '../address-argument.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, jsonFlag, lockFlags } from '../flags.ts';
import { refuseWithoutApproval } from '../perform.ts';
import { withLock } from '../with-lock.ts';

export default class StateRm extends BaseCommand {
  static override readonly summary = 'Forget what is recorded of an address and of all below it.';
  static override readonly description =
    'No host, load balancer or zone is touched: what stands there goes on standing, and the next plan looks at it as at something that deployctl has not seen before. Who forgot it and when is in the journal, and so is what it was.';
  static override readonly examples = [
    `<%= config.bin %> state rm prod 'service.shop.slot["blue"].host["web-9"]'`,
    '<%= config.bin %> state rm prod service.shop --auto-approve',
  ];
  static override readonly args = addressArguments;
  static override readonly flags = {
    ...configurationFlags,
    'auto-approve': Flags.boolean({ description: 'Do not ask.' }),
    ...lockFlags,
    ...jsonFlag,
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StateRm);
    const { environment: asked, address } = addressOf(args, 'state rm');
    refuseWithoutApproval(this.terminal, flags, 'state rm');
    const cx = appContext(this.terminal);
    const { state, environment } = await loadState(configurationAsk(asked, flags), cx);
    recordedWithin(await readRecorded(state), address); // where there is nothing, no lock is taken and nothing is made
    return withLock(state, environment.name, flags, cx, async () => {
      await using store = await openForWriting(state);
      const found = recordedWithin(await store.read(), address);
      const { bold, symbol } = paint(this.terminal.color.stdout);
      if (!flags.json) {
        this.print(
          [
            'The record will forget:',
            '',
            ...found.map((each) => `  ${symbol('-')} ${printable(each.address)}`),
          ].join('\n'),
        );
        this.print('\nNothing is touched on hosts, load balancers and DNS servers.\n');
      }
      if (!flags['auto-approve'] && !(await this.#approved())) return exitCode.error;
      await forget(store, found, cx);
      const { stateSerial } = await store.read();
      this.print(
        flags.json
          ? printableJson({
              format_version: '1.0',
              environment: environment.name,
              serial: stateSerial,
              forgotten: found.map((each) => each.address).toSorted(),
            })
          : bold(`Forgot ${counted(found.length, 'entry', 'entries')}.`),
      );
      return exitCode.done;
    });
  }

  #approved(): Promise<boolean> {
    return approve({
      input: this.terminal.stdin as NodeJS.ReadableStream,
      output: this.terminal.stdout as NodeJS.WritableStream,
      paint: paint(this.terminal.color.stdout),
      cancelled: 'Nothing was changed.',
    });
  }
}
