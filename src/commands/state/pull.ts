import { loadState } from '../../app/load.ts';
import { readRecorded } from '../../app/state.ts';
import { printableJson } from '../../ui/printable.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument } from '../flags.ts';

export default class StatePull extends BaseCommand {
  static override readonly summary = 'The whole recorded state as one JSON document. It holds no secrets.';
  static override readonly args = environmentArgument;
  static override readonly flags = configurationFlags;

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(StatePull);
    const { state } = await loadState(configurationAsk(args.environment, flags), appContext(this.terminal));
    const { lineage, stateSerial, resources, deployments, unfinished } = await readRecorded(state);
    this.print(
      printableJson(
        {
          format_version: '1.0',
          lineage,
          serial: stateSerial,
          resources: resources.filter((each) => each.spec !== null),
          deployments,
          unfinished: unfinished ?? null,
        },
        2,
      ),
    );
    return exitCode.done;
  }
}
