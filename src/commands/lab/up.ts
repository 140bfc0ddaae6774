import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';

export default class LabUp extends BaseCommand {
  static override readonly summary = 'Start hosts and a load balancer of its own on this machine.';
  async run(): Promise<ExitCode> {
    await this.parse(LabUp);
    return exitCode.done;
  }
}
