/** What a plan looks like on this terminal. */

import { systemClock } from '../app/clock.ts';
import type { Planned } from '../app/plan.ts';
import { renderPlan } from '../ui/plan-text.ts';
import { agoText, counted } from '../ui/time-text.ts';
import { diagnosticFrame } from './diagnostics-text.ts';
import type { Terminal } from './terminal.ts';

export interface PlanViewOptions {
  readonly concise?: boolean;
  readonly out?: string;
  /** The verb that performs it; undefined: it is about to be asked for. */
  readonly command?: 'apply' | 'revert';
}

export function planText(planned: Planned, terminal: Terminal, options: PlanViewOptions): string {
  const { plan, loaded, recorded, lookedMs, revertsTo } = planned;
  const deployment = recorded.deployments.at(-1);
  const { hosts, balancers } = plan.declared;
  const parts = [
    counted(hosts.length, 'host'),
    ...(balancers.length === 0 ? [] : [counted(balancers.length, 'load balancer')]),
  ];
  return renderPlan(plan, {
    color: terminal.color.stdout,
    width: Math.min(terminal.columns, 120),
    concise: options.concise ?? false,
    read: `Read ${parts.join(' and ')} in ${(lookedMs / 1000).toFixed(1)} s.`,
    frame: (diagnostic) => diagnosticFrame(diagnostic, terminal.color.stdout, terminal.columns),
    ...(deployment === undefined ? {} : { deployment: { number: deployment.number, at: deployment.at } }),
    ...(options.out === undefined ? {} : { out: options.out }),
    ...(options.command === undefined
      ? {}
      : { applyCommand: `deployctl ${options.command} ${loaded.environment.name}` }),
    ...(revertsTo === undefined
      ? {}
      : {
          header: `Back to deployment ${revertsTo.number} (${revertsTo.declared.services
            .map((service) => `${service.name} ${service.release.version}`)
            .join(', ')}, by ${revertsTo.actor.who}, ${agoText(revertsTo.at, systemClock.now())}).`,
        }),
  });
}
