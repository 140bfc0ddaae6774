/**
 * A switch: locked, looked at afresh, refused if the world is elsewhere, written, and believed only when every worker,
 * the file and fresh requests say so.
 */
import {
  audienceToken,
  type Context,
  describeAudienceRule,
  type Operation,
  ProviderFailure,
  type RouteValue,
  routeAddress,
  type Standing,
} from '../../model/index.ts';
import { refuseBadTarget, refuseLostTarget } from './bearing.ts';
import type { Samples } from './driver.ts';
import { afterChange, mishap, refusal } from './failure.ts';
import { type BalancerParts, readAll } from './parts.ts';
import { describeRoute, type HostReading } from './reading.ts';
import { routeStanding, sampleBounds } from './route.ts';

type RouteSet = Extract<Operation, { op: 'route.set' }>;

/** A share is believed after this many samples, a whole after few: it has no spread. */
const sampleCount = (value: RouteValue): number =>
  value.canaryBasisPoints === 0 || value.canaryBasisPoints === 10_000 ? 5 : 400;

/** Resolves when the route is in effect everywhere. Performing it again changes nothing. */
export async function moveRoute(parts: BalancerParts, operation: RouteSet, cx: Context): Promise<void> {
  await lockAll(parts, parts.declared.hosts, cx, async () => {
    const hosts = await readAll(parts, cx.signal);
    const standing = routeStanding(operation, hosts);
    if (standing.at === 'after') return;
    if (standing.at === 'unknown') throw new ProviderFailure(standing.why, 'none');
    if (standing.at === 'elsewhere') throw routeChanged(operation, standing.seen);
    refuseFineShare(parts, operation);
    refuseBadTarget(operation, hosts);
    await refuseSilentRules(parts, operation, cx);
    await writeEverywhere(parts, operation, hosts, cx);
  });
}

/** A reload in the middle takes the proxy's socket away for a moment, or brings a worker that was told nothing. */
const rounds = 3;

async function writeEverywhere(
  parts: BalancerParts,
  operation: RouteSet,
  hosts: readonly HostReading[],
  cx: Context,
): Promise<void> {
  const { route, to } = operation;
  let readings = hosts;
  let isTouched = false;
  try {
    for (let round = 1; ; round += 1) {
      try {
        for (const reading of readings) {
          await parts.driver.writeRoute(reading.host, { route, to, reading }, cx);
          isTouched = true;
        }
      } catch (error) {
        if (!isLostAnswer(error) || round === rounds) throw error;
        isTouched = true;
      }
      readings = await readAll(parts, cx.signal);
      const now = routeStanding(operation, readings);
      if (now.at === 'after') break;
      if (now.at !== 'before' || round === rounds) throw notInEffect(operation, now);
    }
    await askForIt(parts, operation, cx);
    refuseLostTarget(operation, hosts, readings);
  } catch (error) {
    throw isTouched ? afterChange(error) : error;
  }
}

/** It was sent, and nobody knows whether it was obeyed: looking again tells. */
const isLostAnswer = (error: unknown): boolean =>
  error instanceof ProviderFailure &&
  error.effect === 'maybe' &&
  error.diagnostic.code === 'balancer-unreachable';

function refuseFineShare({ traits }: BalancerParts, { balancer, route, to }: RouteSet): void {
  const { shareStepBasisPoints } = traits;
  const share = to?.canaryBasisPoints ?? 0;
  if (share === 0 || (shareStepBasisPoints !== undefined && share % shareStepBasisPoints === 0)) return;
  throw refusal({
    code: 'balancer-share-too-fine',
    summary: 'The load balancer cannot give such a share',
    detail: `${balancer} ${shareStepBasisPoints === undefined ? 'gives a route to one pool only' : `gives shares in steps of ${shareStepBasisPoints / 100}%`}, and this one is ${share / 100}%. Nothing was changed.`,
    hint: 'Choose a share that it can give.',
    address: routeAddress(balancer, route),
  });
}

/** Before anything is written: rules that do not answer, or do not know an audience, could not be verified afterwards. */
async function refuseSilentRules(parts: BalancerParts, operation: RouteSet, cx: Context): Promise<void> {
  const { balancer, route, to } = operation;
  if (to === null) return;
  for (const host of parts.declared.hosts) {
    const { audience } = await parts.driver.sample(host, { route, count: 1 }, cx.signal);
    const unknown = to.audience?.filter((rule) => !audience.has(audienceToken(rule))) ?? [];
    if (unknown.length === 0) continue;
    throw refusal({
      code: 'balancer-audience-unknown',
      summary: "The load balancer's rules do not know this audience",
      detail: `The configuration on ${host} does not decide by ${unknown.map(describeAudienceRule).join(' or ')}, so these requests would not get the canary. Nothing was changed.`,
      hint: `Replace its part by what this prints, and reload it: deployctl snippet ENV ${balancer}`,
      address: routeAddress(balancer, route),
    });
  }
}

/** Takes the lock of every host, in their order, so that two that want all of them cannot wait for each other. */
async function lockAll(
  parts: BalancerParts,
  hosts: readonly string[],
  cx: Context,
  body: () => Promise<void>,
): Promise<void> {
  const [first, ...rest] = hosts;
  if (first === undefined) return body();
  return parts.driver.locked(first, cx, () => lockAll(parts, rest, cx, body));
}

const routeChanged = (operation: RouteSet, seen: string): ProviderFailure =>
  refusal({
    code: 'route-changed',
    summary: 'The route was changed by someone else',
    detail: `${routeAddress(operation.balancer, operation.route)} was ${describeRoute(operation.from.runtime)} when the plan was made, and ${seen}. It was not touched.`,
    hint: 'See what is different, then plan again.',
    address: routeAddress(operation.balancer, operation.route),
  });

function notInEffect(operation: RouteSet, standing: Standing): ProviderFailure {
  const address = routeAddress(operation.balancer, operation.route);
  const now =
    standing.at === 'elsewhere'
      ? standing.seen
      : standing.at === 'unknown'
        ? 'cannot be read now'
        : 'some worker or the file still holds the value before it';
  return mishap({
    code: 'route-not-in-effect',
    summary: 'The route did not take the new value everywhere',
    detail: `${address} was set to ${describeRoute(operation.to)}, and ${now}.`,
    hint: 'Plan again: what is really there will be shown.',
    address,
  });
}

/** "Command accepted" is never enough: fresh requests are sampled on every host, also those of each audience. */
async function askForIt(parts: BalancerParts, operation: RouteSet, cx: Context): Promise<void> {
  const { route, to } = operation;
  if (to === null) return;
  const canaryShare = to.stable === to.canary ? 10_000 : to.canaryBasisPoints;
  for (const host of parts.declared.hosts) {
    const samples = await parts.driver.sample(host, { route, count: sampleCount(to) }, cx.signal);
    refuseStray(operation, host, samples, canaryShare, 'fresh requests');
    for (const rule of to.audience ?? []) {
      const theirs = await parts.driver.sample(host, { route, count: 3, as: rule }, cx.signal);
      refuseStray(operation, host, theirs, 10_000, `fresh requests with ${describeAudienceRule(rule)}`);
    }
  }
}

/** Throws unless the canary got its share of the samples, within the bounds of chance, and the stable pool the rest. */
function refuseStray(
  { balancer, route, to }: RouteSet,
  host: string,
  { taken, byPool }: Samples,
  canaryBasisPoints: number,
  which: string,
): void {
  if (to === null) return;
  const got = byPool.get(to.canary) ?? 0;
  const [least, most] = sampleBounds(taken, canaryBasisPoints);
  const isElsewhere = [...byPool.keys()].some((pool) => pool !== to.stable && pool !== to.canary);
  if (!isElsewhere && got >= least && got <= most) return;
  const address = routeAddress(balancer, route);
  throw mishap({
    code: 'route-not-obeyed',
    summary: 'Requests do not go where the route says',
    detail: `${address} is ${describeRoute(to)} in every worker, but of ${taken} ${which} asked of the rules on ${host} ${[...byPool].map(([pool, count]) => `${count} went to ${pool === '' ? 'no pool' : JSON.stringify(pool)}`).join(', ')}.`,
    hint: `A pool without a healthy member is left out by the rules; else compare them with: deployctl snippet ENV ${balancer}`,
    address,
  });
}
