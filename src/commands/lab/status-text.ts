import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LabStatus } from '../../lab/lab.ts';
import { defaultNetwork } from '../../lab/layout.ts';
import type { TrafficFigures } from '../../lab/traffic/figures.ts';
import { paint } from '../../ui/paint.ts';

/** The lab for a person to read. */
export function statusText(status: LabStatus, color: boolean): string {
  const { bold, dim } = paint(color);
  if (!status.up) return 'The lab is not up. Start it with "deployctl lab up".';
  return [
    `${bold('The lab is up.')} It is for trying and for tests; ${declaredText(status)}`,
    '',
    ...status.hosts.map(({ name, address, port }) => `  ${name.padEnd(6)} ssh ${address}:${port}`),
    `  ${'shop'.padEnd(6)} ${status.url}`,
    `  ${'dns'.padEnd(6)} ${dnsText(status)}`,
    '',
    status.traffic === undefined
      ? dim('No traffic of its own: "deployctl lab up --traffic 200" sends some.')
      : `${status.traffic.running ? '' : 'Stopped: '}${trafficText(status.traffic.figures)}`,
  ].join('\n');
}

/** What to plan with. The lab can be up in any folder, its environment comes with deployctl's sources. */
function declaredText({ folder, network }: LabStatus): string {
  if (!existsSync(join(folder, '../../environments/lab')))
    return "environments/lab, which declares it, is not here: copy it from deployctl's sources.";
  return network === defaultNetwork
    ? 'environments/lab declares it.'
    : `environments/lab declares it, with --var network=${network}.`;
}

/** As somebody would ask it. */
const dnsText = ({ dns: { address, port, zone } }: LabStatus): string =>
  `dig @${address} -p ${port} prices.${zone.replace(/\.$/, '')}`;

/** One sentence of figures, and a line for each of the last failures. */
export function trafficText(figures: TrafficFigures): string {
  const { requests, failed, failures, latencyMs, versions, rate, since, until } = figures;
  const seconds = Math.round((until - since) / 1000);
  const by = versions.map(({ version, requests: count }) => `${count} by ${version}`).join(', ');
  return [
    `Traffic: ${requests} requests in ${seconds} s (${rate}/s wanted), ${failed} failed${by === '' ? '' : `; ${by}`}; ` +
      `latency ${latencyMs.median} ms, 99 % below ${latencyMs.p99} ms.`,
    ...failures.map(({ at, reason }) => `  ${new Date(at).toISOString()} ${reason}`),
  ].join('\n');
}
