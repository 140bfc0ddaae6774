/**
 * One fault at one point of a run, or of its way back, under load: how the run ends, what users notice, and what is left to
 * do. What must hold whatever the fault and the point:
 *
 *   - the run ends by itself, as its policy says, and says which host is at fault;
 *   - once a switch is acknowledged, nobody is answered by the release before it, nor by nobody;
 *   - as long as the fault lasts nothing new is planned over it;
 *   - mended, a resume (or an abort) ends the run, and the next plan names what is left to do: nothing, or the upgrade.
 */
import { expect } from 'vitest';
import { servedBy } from './balancer.ts';
import type { Fault } from './faults.ts';
import { runAt, type Seen } from './run.ts';
import type { FleetScene } from './scene.ts';

export interface Cell {
  readonly fault: Fault;
  readonly point: string;
  /** `revert`: what the policy does about a failure. `back`: the fault comes while an abort undoes a run that baked. */
  readonly direction: 'forward' | 'revert' | 'back';
  /** How a run that stopped is ended once the fault is mended. */
  readonly ending: 'resume' | 'abort';
}

/** What the lines of a report say, for whoever reads the whole matrix. */
export interface Outcome {
  readonly code: number | null;
  readonly seconds: number;
  readonly failed: number;
  readonly slowestMs: number;
}

const requestsPerSecond = 40;

/** `before` serves when it begins; gives what serves when it has ended. */
export async function passCell(
  scene: FleetScene,
  { fault, point, direction, ending }: Cell,
  before: string,
  version: string,
): Promise<{ readonly serves: string; readonly outcome: Outcome }> {
  scene.declare(direction === 'revert' ? 'revert' : 'pause', '');
  scene.setVersion(version);
  const clients = scene.startClients(requestsPerSecond, before);
  clients.expectBoth(version);
  if (direction === 'back') {
    const killed = await scene.cliWith(
      { DEPLOYCTL_FAIL: 'kill@effect:before:bake' },
      'apply',
      'prod',
      '--auto-approve',
    );
    expect(killed.signal).toBe('SIGKILL');
    clients.acknowledge(version);
    clients.expectBoth(before);
  }
  const wasBack = direction === 'back';
  const command = wasBack ? ['abort', 'prod'] : ['apply', 'prod', '--auto-approve'];
  const startedAt = performance.now();
  let acknowledged: string | undefined;
  const told = (event: Seen, summary: string): void => {
    if (event.type !== 'step_done' || !summary.startsWith('edge: ')) return;
    acknowledged = event.undoing === true ? before : version;
    // A run that turns round by itself has moved the route back before anybody could say that both sides are right.
    if (direction !== 'revert') clients.acknowledge(acknowledged);
  };
  const ran = await runAt(scene, command, { point, meanwhile: () => fault.inflict(scene) }, told);
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  expect([ran.isReached, ran.signal, ran.stderr]).toEqual([true, null, '']);
  const ended = wasBack || direction === 'revert' ? [0, 3, 4] : [0, 4];
  expect(ended).toContain(ran.code);
  if (fault.where === 'web') expect([before, version]).toContain(await servedBy(scene.lb.address, 80));
  if (acknowledged !== undefined && fault.where === 'web')
    expect(await servedBy(scene.lb.address, 80)).toBe(acknowledged);

  const meanwhile = await scene.cli('plan', 'prod', '--detailed-exitcode');
  expect([meanwhile.code, meanwhile.stdout + meanwhile.stderr]).toEqual([
    1,
    expect.stringMatching(ran.code === 4 ? /is not finished|cannot be reached/ : /cannot be reached/),
  ]);
  await fault.mend(scene);
  if (fault.where === 'balancer') {
    // Still the fault's own: its proxy has to start, and to see its servers again before it sends anybody to them.
    await expect.poll(() => servedBy(scene.lb.address, 80), { timeout: 60_000 }).toBeDefined();
    // And connections that stood when it went away end as they would without us, some of them half a minute later.
    clients.comeAnew();
  }

  let serves = ran.code === 3 || wasBack ? before : version;
  if (ran.code === 4) {
    const end = ending === 'abort' || wasBack ? ['abort', 'prod'] : ['apply', 'prod', '--resume'];
    // A resume after an acknowledged switch goes on with the new side; an abort and a revert may go back.
    if (end[0] === 'abort' || direction === 'revert') clients.expectBoth(before);
    clients.expectBoth(version);
    const finished = await runAt(scene, end, undefined, told);
    expect([finished.stderr, [0, 3].includes(finished.code ?? -1) ? 'ended' : finished.stdout]).toEqual([
      '',
      'ended',
    ]);
    serves = finished.code === 0 ? version : before;
    if (direction === 'forward' && ending === 'resume') expect(serves).toBe(version);
  }
  clients.acknowledge(serves);
  // A cable that is plugged in again is not yet a line that every connection has noticed.
  await expect.poll(() => servedBy(scene.lb.address, 80)).toBe(serves);
  expect(await leftToDo(scene)).toEqual(
    serves === version ? [] : ['load_balancer.edge.route["shop"]', ...idle(scene)],
  );
  const { failed, failedSince, wrong, stale, reasons, reasonsSince, latency } = await clients.stop();
  const mayFail = fault.where !== 'operator';
  expect({
    failed: mayFail ? 0 : failed,
    failedSince,
    wrong,
    stale,
    reasons: mayFail ? reasonsSince : reasons,
  }).toEqual({ failed: 0, failedSince: 0, wrong: 0, stale: 0, reasons: [] });
  return { serves, outcome: { code: ran.code, seconds, failed, slowestMs: Math.round(latency.all.max) } };
}

/** Addresses of what the next plan would change; which old releases it prunes depends on how far back they go. */
async function leftToDo({ cli }: FleetScene): Promise<readonly string[]> {
  const { code, stdout, stderr } = await cli('plan', 'prod', '--json');
  expect([code, stderr]).toEqual([0, '']);
  const { changes }: { changes: readonly { address: string; action: string }[] } = JSON.parse(stdout);
  return changes
    .filter(({ address, action }) => action !== 'keep' && !address.includes('.release['))
    .map(({ address }) => address.replace(/slot\["(blue|green)"\]/, 'slot'))
    .toSorted();
}

/** The upgrade again, on every host of the slot without traffic. */
const idle = ({ web }: FleetScene): readonly string[] =>
  web.map(({ name }) => `service.shop.slot.host["${name}"]`);
