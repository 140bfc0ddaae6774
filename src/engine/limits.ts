/** How long the engine waits for a provider before it gives up on it: a net below the provider's own limits. */
import { type Operation, unreachable } from '../model/index.ts';

const minuteMs = 60_000;

/** What a provider may take beyond the time that the operation itself names: connections, slow disks. */
const slackMs = 2 * minuteMs;

/** The slowest upload that is still waited for. */
const slowestBytesPerMs = 50;

/** A look at one thing, connection included. */
export const lookLimitMs = minuteMs;

/** After its signal is aborted, a provider has this long to come back with what it knows. */
export const graceMs = 2_000;

export function limitMs(operation: Operation): number {
  switch (operation.op) {
    case 'release.put':
      return 5 * minuteMs + (operation.artifact.bytes ?? 0) / slowestBytesPerMs;
    case 'process.set': {
      const process = operation.to?.process ?? operation.from?.process;
      const startMs = process?.kind === 'script' ? process.startTimeoutMs : 0;
      return slackMs + startMs + (process?.stopTimeoutMs ?? 0);
    }
    case 'health.verify':
      return slackMs + (operation.health?.deadlineMs ?? minuteMs);
    case 'hook.run':
      return slackMs + operation.timeoutMs;
    case 'pool.drain':
    case 'pool.settle':
    case 'pool.resolve':
    case 'record.converge':
      return slackMs + operation.withinMs;
    case 'record.expire':
    case 'bake':
      return slackMs + operation.durationMs;
    case 'approval':
      return Number.POSITIVE_INFINITY;
    case 'release.remove':
    case 'release.prune':
    case 'slot.link':
    case 'balancer.configure':
    case 'member.set':
    case 'route.set':
    case 'record.set':
      return 5 * minuteMs;
    default:
      return unreachable(operation);
  }
}
