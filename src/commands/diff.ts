import * as Args from '@oclif/core/args';
import { diffDeployments } from '../app/diff.ts';
import { deploymentDiffJson, renderDeploymentDiff } from '../ui/deployment-diff-text.ts';
import { printableJson } from '../ui/printable.ts';
import { BaseCommand } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { appContext, configurationAsk, configurationFlags, jsonFlag } from './flags.ts';

export default class Diff extends BaseCommand {
  static override readonly summary =
    'What differs between two deployments: releases, hosts, processes, units.';
  static override readonly description =
    'Compares what was declared when each of them ran, and what an idle slot kept of an earlier one, as it is recorded. Asks no host. What a plan would change now is for "plan".';
  static override readonly examples = [
    '<%= config.bin %> diff prod 41 42',
    '<%= config.bin %> diff 41 42 --json',
  ];
  static override readonly args = {
    environment: Args.string({
      description: 'The environment; or the first number, where there is only one environment.',
    }),
    from: Args.string({ description: 'The number of a deployment, as `history` shows it.' }),
    to: Args.string({ description: 'The number of another.' }),
  };
  static override readonly flags = { ...configurationFlags, ...jsonFlag };

  async run(): Promise<ExitCode> {
    const { args, flags } = await this.parse(Diff);
    const [environment, from, to] =
      args.to === undefined && /^\d+$/.test(args.environment ?? '')
        ? [undefined, args.environment, args.from]
        : [args.environment, args.from, args.to];
    const numbers = [this.#number(from), this.#number(to)] as const;
    const cx = appContext(this.terminal);
    const diff = await diffDeployments(configurationAsk(environment, flags), numbers, cx);
    this.print(
      flags.json
        ? printableJson(deploymentDiffJson(diff.environment, diff.from, diff.to, diff.differences))
        : renderDeploymentDiff(diff, {
            color: this.terminal.color.stdout,
            width: Math.min(this.terminal.columns, 120),
            now: cx.clock.now(),
          }),
    );
    return exitCode.done;
  }

  #number(text: string | undefined): number {
    if (text !== undefined && isNumber(text)) return Number(text);
    this.refuse({
      code: text === undefined ? 'missing-argument' : 'run-number-invalid',
      summary: text === undefined ? 'An argument is missing' : 'Not the number of a deployment',
      detail:
        text === undefined
          ? '"deployctl diff" compares two deployments, and needs the numbers of both.'
          : `"${text}" is not a whole number above 0.`,
      hint: 'See which there are:  deployctl history ENV',
    });
  }
}

const isNumber = (text: string | undefined): boolean => text !== undefined && /^[1-9]\d{0,14}$/.test(text);
