/** HAProxy as a real unit on a host of the fleet, with the configuration that deployctl prints for it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from '../rig/program.ts';
import type { FleetHost } from './fleet.ts';

/** Enabled, so that it comes back with its host. `adjust`: what the operator changes in the configuration that was printed. */
export async function startBalancer(
  host: FleetHost,
  { cli }: Program,
  environment: string,
  port: number,
  adjust: (printed: string) => string = (printed) => printed,
): Promise<void> {
  const snippet = await cli('snippet', environment, 'load_balancer.edge', '--full', '--bind', `*:${port}`);
  if (snippet.code !== 0) throw new Error(`snippet: ${snippet.stderr}`);
  await host.run('mkdir -p /etc/haproxy/deployctl && touch /etc/haproxy/deployctl/edge.map');
  writeFileSync(join(host.disk, 'etc/haproxy/haproxy.cfg'), adjust(snippet.stdout));
  await host.run('systemctl enable --quiet haproxy 2>&1; systemctl restart haproxy');
}

/** Who answers a fresh request through the balancer; undefined: nobody, or not with 200. */
export async function servedBy(address: string, port: number): Promise<string | undefined> {
  const answer = await fetch(`http://${address}:${port}/`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(5_000),
  }).catch(() => undefined);
  return answer?.status === 200 ? (answer.headers.get('x-served-by') ?? undefined) : undefined;
}
