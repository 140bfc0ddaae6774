/** What a plan looks like on this terminal. */

import { systemClock } from '../app/clock.ts';
import type { Planned } from '../app/plan.ts';
import type { Plan } from '../model/index.ts';
import { shellWord } from '../model/shell-word.ts';
import { backToText } from '../ui/deployment-text.ts';
import { planMarkdown } from '../ui/plan-markdown.ts';
import { type PlanTextOptions, renderPlan } from '../ui/plan-text.ts';
import { counted } from '../ui/time-text.ts';
import { diagnosticFrame } from './diagnostics-text.ts';
import type { Terminal } from './terminal.ts';

export interface PlanViewOptions {
  readonly concise?: boolean;
  readonly out?: string;
  /** Tell how it can be performed. Not where that is about to be asked for. */
  readonly tellsCommand?: boolean;
  readonly parallelism?: number;
}

export const planText = (planned: Planned, terminal: Terminal, options: PlanViewOptions): string =>
  renderPlan(planned.plan, textOptions(planned, terminal, options));

/** A comment for a pull request: the plan in full is as wide as a page there shows. */
export const planComment = (planned: Planned, terminal: Terminal, options: PlanViewOptions): string =>
  planMarkdown(planned.plan, {
    ...textOptions(planned, terminal, options),
    width: 100,
    frame: diagnosticFrame(terminal, { color: false, columns: 100 }),
  });

function textOptions(planned: Planned, terminal: Terminal, options: PlanViewOptions): PlanTextOptions {
  const { plan, recorded, lookedMs, revertsTo, earlier } = planned;
  const deployment = recorded.deployments.at(-1);
  const { out, tellsCommand } = options;
  const command =
    out !== undefined
      ? `deployctl apply ${shellWord(out)}`
      : tellsCommand === true
        ? 'deployctl apply ENV'
        : undefined;
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
    read:
      lookedMs === undefined
        ? `Nothing was read: ${inWords(parts)} are taken as they are recorded.`
        : `Read ${inWords(parts)} in ${(lookedMs / 1000).toFixed(1)} s.`,
    frame: diagnosticFrame(terminal),
    ...(earlier === undefined ? {} : { earlier }),
    ...(options.parallelism === undefined ? {} : { parallelism: options.parallelism }),
    ...(deployment === undefined ? {} : { deployment: { number: deployment.number, at: deployment.at } }),
    ...(options.out === undefined ? {} : { out: options.out }),
    ...(command === undefined
      ? {}
      : {
          applyCommand: [terminal.call.pasteable(command), ...(out === undefined ? scopeOf(plan) : [])].join(
            ' ',
          ),
        }),
    ...(revertsTo === undefined ? {} : { header: backToText(revertsTo, systemClock.now()) }),
  };
}

/** What was planned is not all that there is: the same flags, or more would be applied than was shown. */
const scopeOf = ({ targets, excluded = [], intent }: Plan): readonly string[] => [
  ...targets.map((address) => `--target ${shellWord(address)}`),
  ...excluded.map((address) => `--exclude ${shellWord(address)}`),
  ...(intent.kind === 'refresh_only' ? ['--refresh-only'] : []),
];

/** `a`, `a and b`, `a, b and c`. */
const inWords = (parts: readonly string[]): string =>
  parts.length <= 1 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
