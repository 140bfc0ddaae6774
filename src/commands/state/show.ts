import * as Args from '@oclif/core/args';
import { loadState } from '../../app/load.ts';
import { readRecorded } from '../../app/state.ts';
import { printableJson } from '../../ui/printable.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags } from '../flags.ts';
import { nearest } from '../nearest.ts';

export default class StateShow extends BaseCommand {
  static override readonly summary = 'What is recorded of one address, as JSON.';
  static override readonly examples = [
    `<%= config.bin %> state show prod 'load_balancer.edge.route["shop"]'`,
  ];
  static override readonly args = {
    environment: Args.string({
      description: 'The environment; or the address, where there is only one environment.',
    }),
    address: Args.string({ description: 'As `state list` prints it.' }),
  };
  static override readonly flags = configurationFlags;

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StateShow);
    const [environment, address] =
      args.address === undefined ? [undefined, args.environment] : [args.environment, args.address];
    const { state } = await loadState(configurationAsk(environment, flags), appContext(this.terminal));
    const { resources } = await readRecorded(state);
    const resource = resources.find((each) => each.address === address && each.spec !== null);
    if (resource === undefined) {
      const near = nearest(
        address ?? '',
        resources.map((each) => each.address),
      );
      this.refuse({
        code: 'not-recorded',
        summary: 'Nothing is recorded under this address',
        detail: `${address ?? 'No address'} is not in the recorded state.`,
        hint: near === undefined ? 'See what is:  deployctl state list' : `Did you mean ${near}?`,
      });
    }
    this.print(printableJson({ address: resource.address, kind: resource.kind, recorded: resource.spec }, 2));
    return exitCode.done;
  }
}
