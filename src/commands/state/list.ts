import { stateOf } from '../../app/load.ts';
import { readRecorded } from '../../app/state.ts';
import { printable, printableJson } from '../../ui/printable.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from '../flags.ts';

export default class StateList extends BaseCommand {
  static override readonly summary = 'The addresses of everything that is recorded, one a line.';
  static override readonly args = environmentArgument;
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StateList);
    const { state } = await stateOf(configurationAsk(args.environment, flags), appContext(this.terminal));
    const { resources } = await readRecorded(state);
    const there = resources.filter((each) => each.spec !== null).map((each) => each.address);
    const addresses = there.toSorted();
    this.print(
      flags.json ? printableJson({ format_version: '1.0', addresses }) : printable(addresses).join('\n'),
    );
    return exitCode.done;
  }
}
