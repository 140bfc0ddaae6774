import { readStatus } from '../app/status.ts';
import { printableJson } from '../ui/printable.ts';
import { statusJson } from '../ui/status-json.ts';
import { renderStatus } from '../ui/status-text.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, environmentArgument, jsonFlag } from './flags.ts';

export default class Status extends BaseCommand {
  static override readonly summary =
    'Every service now: release, slots and shares, in sync or not, healthy or not.';
  static override readonly args = environmentArgument;
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Status);
    const report = await readStatus(configurationAsk(args.environment, flags), appContext(this.terminal));
    const style = { color: this.terminal.color.stdout, width: Math.min(this.terminal.columns, 120) };
    this.print(flags.json ? printableJson(statusJson(report)) : renderStatus(report, style));
    return exitCode.done;
  }
}
