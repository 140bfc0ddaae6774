import { stateOf } from '../../app/load.ts';
import { recordedWithin } from '../../app/record-edits.ts';
import { readRecorded } from '../../app/state.ts';
import type { RecordedResource } from '../../model/index.ts';
import { printableJson } from '../../ui/printable.ts';
import { addressArguments, addressOf } from '../address-argument.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, jsonFlag } from '../flags.ts';

export default class StateShow extends BaseCommand {
  static override readonly summary = 'What is recorded of one address, as JSON.';
  static override readonly description =
    'Of an address that is the beginning of several, such as service.shop, all of them are shown as a list.';
  static override readonly examples = [
    `<%= config.bin %> state show prod 'load_balancer.edge.route["shop"]'`,
    '<%= config.bin %> state show prod service.shop',
  ];
  static override readonly args = addressArguments;
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StateShow);
    const { environment, address } = addressOf(args, 'state show');
    const { state } = await stateOf(configurationAsk(environment, flags), appContext(this.terminal));
    const found = recordedWithin(await readRecorded(state), address);
    const [first, ...more] = found;
    const shown =
      first?.address === address && more.length === 0
        ? entryJson(first)
        : { address, resources: found.map(entryJson) };
    this.print(printableJson({ format_version: '1.0', ...shown }, 2));
    return exitCode.done;
  }
}

const entryJson = ({ address, kind, spec }: RecordedResource) => ({ address, kind, recorded: spec });
