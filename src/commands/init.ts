import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { type Begun, beginEnvironment } from '../app/init.ts';
import { balancerTitles, type StartingBalancer, startingBalancers } from '../app/starting-configuration.ts';
import { paint } from '../ui/paint.ts';
import { printable, printableJson } from '../ui/printable.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { jsonFlag } from './flags.ts';

export default class Init extends BaseCommand {
  static override readonly summary =
    'Begin an environment: write a commented configuration that is valid as it is.';
  static override readonly description =
    'One load balancer, two hosts, and a service that is deployed blue-green. Nothing is ever written over, nothing is downloaded, and nothing else has to be initialised.';
  static override readonly examples = [
    '<%= config.bin %> init',
    '<%= config.bin %> init staging --load-balancer nginx',
  ];
  static override readonly args = {
    environment: Args.string({
      description: 'A name, for environments/NAME, or the path of a folder. Default: prod.',
    }),
  };
  static override readonly flags = {
    'load-balancer': Flags.option({
      options: startingBalancers,
      default: 'haproxy' as const,
      description: 'What stands before the hosts.',
    })(),
    ...jsonFlag,
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Init);
    const begun = beginEnvironment(args.environment, flags['load-balancer'], process.cwd());
    this.print(
      flags.json
        ? printableJson({
            format_version: '1.0',
            environment: begun.name,
            written: [begun.file],
            ignored_in: begun.ignored ?? null,
          })
        : this.#told(begun, flags['load-balancer']),
    );
    return exitCode.done;
  }

  #told({ name, file, ignored }: Begun, balancer: StartingBalancer): string {
    const { bold } = paint(this.terminal.color.stdout);
    const env = printable(name);
    return [
      bold(
        `Wrote ${printable(file)}: one ${balancerTitles[balancer]}, two hosts, a service deployed blue-green.`,
      ),
      ...(ignored === undefined
        ? []
        : [
            `Added .deployctl/ to ${printable(ignored)}: what is deployed is recorded there, on this machine.`,
          ]),
      '',
      'Next:',
      `  1. Put your own addresses, user and service in its place. Whether it is right:`,
      `         deployctl validate ${env}`,
      `  2. What the load balancer's own configuration must contain, once:`,
      `         deployctl snippet ${env} load_balancer.edge`,
      '  3. Whether everything is there that a run needs, each failure with its mend:',
      `         deployctl doctor ${env}`,
      '  4. What would change; then do it:',
      `         deployctl plan ${env}`,
      `         deployctl apply ${env}`,
    ].join('\n');
  }
}
