import { stateOf } from '../../app/load.ts';
import { readRecorded } from '../../app/state.ts';
import { printableJson } from '../../ui/printable.ts';
import { addressArguments, addressOf } from '../address-argument.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, jsonFlag } from '../flags.ts';
import { nearest } from '../nearest.ts';

export default class StateShow extends BaseCommand {
  static override readonly summary = 'What is recorded of one address, as JSON.';
  static override readonly examples = [
    `<%= config.bin %> state show prod 'load_balancer.edge.route["shop"]'`,
  ];
  static override readonly args = addressArguments;
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StateShow);
    const { environment, address } = addressOf(args, 'state show');
    const { state } = await stateOf(configurationAsk(environment, flags), appContext(this.terminal));
    const { resources } = await readRecorded(state);
    const resource = resources.find((each) => each.address === address && each.spec !== null);
    if (resource === undefined) {
      const near = nearest(
        address,
        resources.map((each) => each.address),
      );
      this.refuse({
        code: 'not-recorded',
        summary: 'Nothing is recorded under this address',
        detail: `${address} is not in the recorded state.`,
        hint: near === undefined ? 'See what is:  deployctl state list' : `Did you mean ${near}?`,
      });
    }
    this.print(
      printableJson(
        { format_version: '1.0', address: resource.address, kind: resource.kind, recorded: resource.spec },
        2,
      ),
    );
    return exitCode.done;
  }
}
