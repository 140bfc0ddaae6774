import * as Flags from '@oclif/core/flags';
import { VERSION } from '../version.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';

export default class Version extends BaseCommand {
  static override readonly summary = 'Print the version of deployctl and of what it runs on.';
  static override readonly examples = ['<%= config.bin %> version --json'];
  static override readonly flags = {
    json: Flags.boolean({ description: 'One JSON document.' }),
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(Version);
    const { version: node, platform, arch } = process;
    this.print(
      flags.json
        ? JSON.stringify({ format_version: '1.0', deployctl: VERSION, node, platform: `${platform}_${arch}` })
        : `deployctl ${VERSION}\non ${platform}_${arch}, Node ${node.slice(1)}`,
    );
    return exitCode.done;
  }
}
