/** What a plan looks like on this terminal. */

import { systemClock } from '../app/clock.ts';
import type { Planned } from '../app/plan.ts';
import { backToText } from '../ui/deployment-text.ts';
import { planMarkdown } from '../ui/plan-markdown.ts';
import { type PlanTextOptions, renderPlan } from '../ui/plan-text.ts';
import { counted } from '../ui/time-text.ts';
import { diagnosticFrame } from './diagnostics-text.ts';
import type { Terminal } from './terminal.ts';

export interface PlanViewOptions {
  readonly concise?: boolean;
  readonly out?: string;
  /** The command that performs it, as it would be typed; undefined: it is about to be asked for. */
  readonly command?: string;
  readonly parallelism?: number;
}

export const planText = (planned: Planned, terminal: Terminal, options: PlanViewOptions): string =>
  renderPlan(planned.plan, textOptions(planned, terminal, options));

/** A comment for a pull request: the plan in full is as wide as a page there shows. */
export const planComment = (planned: Planned, terminal: Terminal, options: PlanViewOptions): string =>
  planMarkdown(planned.plan, {
    ...textOptions(planned, terminal, options),
    width: 100,
    frame: (diagnostic) => diagnosticFrame(diagnostic, false, 100),
  });

function textOptions(planned: Planned, terminal: Terminal, options: PlanViewOptions): PlanTextOptions {
  const { plan, recorded, lookedMs, revertsTo, earlier } = planned;
  const deployment = recorded.deployments.at(-1);
  const { hosts, balancers, zones } = plan.declared;
  const parts = [
    counted(hosts.length, 'host'),
    ...(balancers.length === 0 ? [] : [counted(balancers.length, 'load balancer')]),
    ...(zones.length === 0 ? [] : [counted(zones.length, 'DNS zone')]),
  ];
  return {
    color: terminal.color.stdout,
    width: Math.min(terminal.columns, 120),
    concise: options.concise ?? false,
    read: `Read ${inWords(parts)} in ${(lookedMs / 1000).toFixed(1)} s.`,
    frame: (diagnostic) => diagnosticFrame(diagnostic, terminal.color.stdout, terminal.columns),
    ...(earlier === undefined ? {} : { earlier }),
    ...(options.parallelism === undefined ? {} : { parallelism: options.parallelism }),
    ...(deployment === undefined ? {} : { deployment: { number: deployment.number, at: deployment.at } }),
    ...(options.out === undefined ? {} : { out: options.out }),
    ...(options.command === undefined ? {} : { applyCommand: options.command }),
    ...(revertsTo === undefined ? {} : { header: backToText(revertsTo, systemClock.now()) }),
  };
}

/** `a`, `a and b`, `a, b and c`. */
const inWords = (parts: readonly string[]): string =>
  parts.length <= 1 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

/** What has to be typed to do the same with another verb: the environment and the values that were given. */
export const commandText = (
  verb: 'apply' | 'revert',
  environment: string,
  flags: {
    readonly var?: readonly string[] | undefined;
    readonly 'var-file'?: readonly string[] | undefined;
  },
): string =>
  [
    'deployctl',
    verb,
    environment,
    ...(flags['var-file'] ?? []).map((file) => `--var-file ${shellWord(file)}`),
    ...(flags.var ?? []).map((value) => `--var ${shellWord(value)}`),
  ].join(' ');

const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
