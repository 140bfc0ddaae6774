import * as Flags from '@oclif/core/flags';
import { labStatus } from '../../lab/lab.ts';
import { defaultNetwork } from '../../lab/layout.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { labPlace } from './place.ts';
import { statusText } from './status-text.ts';

export default class LabStatus extends BaseCommand {
  static override readonly summary =
    'Show whether the lab is up, where its hosts are, and what its clients saw.';
  static override readonly flags = {
    json: Flags.boolean({ description: 'One JSON document.' }),
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(LabStatus);
    const status = labStatus(labPlace(defaultNetwork));
    this.print(
      flags.json
        ? JSON.stringify({ format_version: '1.0', ...status, traffic: status.traffic ?? null })
        : statusText(status, this.terminal.color.stdout),
    );
    return exitCode.done;
  }
}
