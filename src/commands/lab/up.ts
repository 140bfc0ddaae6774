import * as Flags from '@oclif/core/flags';
import { labUp } from '../../lab/lab.ts';
import { parseNetwork } from '../../lab/layout.ts';
import { BaseCommand, CommandFailure } from '../base.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { labPlace, networkFlag } from './place.ts';
import { statusText } from './status-text.ts';

export default class LabUp extends BaseCommand {
  static override readonly summary =
    'Start hosts, a load balancer and a DNS server of its own on this machine.';
  static override readonly description =
    `Three web hosts and one for the load balancer and the DNS server, each an SSH server on a loopback address of its own, run in the
background without root and without packages. environments/lab declares them. They are for trying deployctl and for
tests: their programs are ordinary processes of this user, and anyone on this machine can reach their ports.`;
  static override readonly examples = [
    '<%= config.bin %> lab up',
    {
      description: 'With 200 requests a second to the service',
      command: '<%= config.bin %> lab up --traffic 200',
    },
  ];
  static override readonly flags = {
    traffic: Flags.integer({
      description: 'Send this many requests a second to the service, and count those that fail.',
      helpValue: 'RATE',
      min: 1,
      max: 5000,
    }),
    network: networkFlag,
  };

  async run(): Promise<ExitCode> {
    const { flags } = await this.parse(LabUp);
    const network = parseNetwork(flags.network);
    if (network === undefined) {
      this.refuse({
        code: 'lab-network-invalid',
        summary: 'Not a network of loopback addresses',
        detail: `--network is ${flags.network}, and the lab stays on this machine.`,
        hint: 'Use the first three numbers of a loopback address: --network 127.7.1',
      });
    }
    const outcome = await labUp({ place: labPlace(network), traffic: flags.traffic });
    if (!outcome.ok) throw new CommandFailure(outcome.diagnostics);
    this.print(statusText(outcome.value, this.terminal.color.stdout));
    return exitCode.done;
  }
}
