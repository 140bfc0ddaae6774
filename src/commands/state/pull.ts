import { stateOf } from '../../app/load.ts';
import { openForReading } from '../../app/state.ts';
import { documentOf } from '../../app/state-document.ts';
import { printableJson } from '../../ui/printable.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from '../flags.ts';

export default class StatePull extends BaseCommand {
  static override readonly summary = 'The whole recorded state as one JSON document. It holds no secrets.';
  static override readonly description =
    'What is recorded now, and the journal and the plans from which it follows: "state push" puts it back.';
  static override readonly examples = ['<%= config.bin %> state pull prod > state.json'];
  static override readonly args = environmentArgument;
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StatePull);
    const { state } = await stateOf(configurationAsk(args.environment, flags), appContext(this.terminal));
    await using store = await openForReading(state);
    this.print(printableJson(await documentOf(store), 2));
    return exitCode.done;
  }
}
