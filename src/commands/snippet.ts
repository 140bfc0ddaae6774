import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { balancerSnippet } from '../app/snippet.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags } from './flags.ts';
import { environmentAnd } from './optional-environment.ts';

export default class Snippet extends BaseCommand {
  static override readonly summary = "What a load balancer's own configuration must contain.";
  static override readonly examples = [
    '<%= config.bin %> snippet prod load_balancer.edge',
    '<%= config.bin %> snippet prod load_balancer.edge --full --bind 127.0.0.1:8080 > haproxy.cfg',
  ];
  static override readonly args = {
    environment: Args.string({
      description: 'The environment; or the address, where there is only one environment.',
    }),
    address: Args.string({ description: 'The load balancer, as load_balancer.edge.' }),
  };
  static override readonly flags = {
    ...configurationFlags,
    full: Flags.boolean({
      description:
        'A whole configuration that starts as it is, with the pools of the services behind it and their checks.',
    }),
    bind: Flags.string({
      description: 'Where the whole configuration listens.',
      default: '*:80',
      helpValue: 'ADDRESS:PORT',
    }),
  };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Snippet);
    const { environment, thing: address } = environmentAnd(args.environment, args.address);
    const ask = configurationAsk(environment, flags);
    this.print(
      await balancerSnippet(ask, address, { full: flags.full, bind: flags.bind }, appContext(this.terminal)),
    );
    return exitCode.done;
  }
}
