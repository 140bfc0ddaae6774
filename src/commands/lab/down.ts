import * as Flags from '@oclif/core/flags';
import { labDown } from '../../lab/lab.ts';
import { BaseCommand } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { labFolder } from './place.ts';
import { trafficText } from './status-text.ts';

export default class LabDown extends BaseCommand {
  static override readonly summary = 'Stop the lab and everything that runs on its hosts.';
  static override readonly description =
    `Their disks stay, as those of machines that were switched off: "lab up" brings the hosts back, and the next plan
says which processes are missing.`;
  static override readonly flags = {
    wipe: Flags.boolean({
      description: "Remove the hosts' disks and keys too, and what is recorded about environments/lab.",
    }),
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(LabDown);
    const { ended, figures } = await labDown(labFolder(), { wipe: flags.wipe });
    if (ended > 0 && figures !== undefined) this.print(trafficText(figures));
    const wiped = flags.wipe ? ' Its files are gone.' : '';
    this.print(`${ended === 0 ? 'The lab was not up.' : 'The lab is down.'}${wiped}`);
    return exitCode.done;
  }
}
