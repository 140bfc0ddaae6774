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
  sameValue,
} from '../../model/index.ts';
import { refuseBadTarget, refuseLostTarget } from './bearing.ts';
import { afterChange, mishap, refusal } from './failure.ts';
import { type BalancerParts, readAll } from './parts.ts';
import { describeRoute, type HostReading } from './reading.ts';
import { routeStanding, sampleBounds } from './route.ts';
import type { SampleAsk, Samples } from './sampling.ts';

type RouteSet = Extract<Operation, { op: 'route.set' }>;

/** A share is believed after this many samples, a whole after few: it has no spread. */
const sampleCount = (value: RouteValue): number =>
  value.canaryBasisPoints === 0 || value.canaryBasisPoints === 10_000 ? 5 : 400;

/** Resolves when the route is in effect everywhere, with what was seen then. Performing it again changes nothing. */
export async function moveRoute(
  parts: BalancerParts,
  operation: RouteSet,
  cx: Context,
): Promise<readonly HostReading[]> {
  const rules = [{ route: operation.route, count: 1 }];
  return lockAll(parts, parts.declared.hosts, rules, cx, async (read) => {
    const hosts = read ?? (await readAll(parts, cx.signal, rules));
    const standing = routeStanding(operation, hosts);
    if (standing.at === 'after') return hosts;
    if (standing.at === 'unknown') throw new ProviderFailure(standing.why, 'none');
    if (standing.at === 'elsewhere') throw routeChanged(operation, standing.seen);
    refuseFineShare(parts, operation);
    refuseBadTarget(operation, hosts);
    await refuseSilentRules(parts, operation, hosts, cx);
    return writeEverywhere(parts, operation, hosts, cx);
  });
}

/** A reload in the middle takes the proxy's socket away for a moment, or brings a worker that was told nothing. */
const rounds = 3;

async function writeEverywhere(
  parts: BalancerParts,
  operation: RouteSet,
  hosts: readonly HostReading[],
  cx: Context,
): Promise<readonly HostReading[]> {
  const { route, to } = operation;
  const asks = proofsOf(operation).map(({ ask }) => ask);
  let readings = hosts;
  let isTouched = false;
  try {
    for (let round = 1; ; round += 1) {
      const seen: HostReading[] = [];
      try {
        for (const reading of readings) {
          const now = await parts.driver.writeRoute(reading.host, { route, to, reading, asks }, cx);
          isTouched = true;
          if (now !== undefined) seen.push(now);
        }
      } catch (error) {
        if (!isLostAnswer(error) || round === rounds) throw error;
        isTouched = true;
      }
      readings = seen.length === hosts.length ? seen : await readAll(parts, cx.signal, asks);
      const now = routeStanding(operation, readings);
      if (now.at === 'after') break;
      if (now.at !== 'before' || round === rounds) throw notInEffect(operation, now);
    }
    await askForIt(parts, operation, readings, cx);
    refuseLostTarget(operation, hosts, readings);
    return readings;
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
async function refuseSilentRules(
  parts: BalancerParts,
  operation: RouteSet,
  hosts: readonly HostReading[],
  cx: Context,
): Promise<void> {
  const { balancer, route, to } = operation;
  if (to === null) return;
  for (const reading of hosts) {
    const { host } = reading;
    const { audience } = await sampled(parts, reading, { route, count: 1 }, cx);
    const unknown = to.audience?.filter((rule) => !audience.has(audienceToken(rule))) ?? [];
    if (unknown.length === 0) continue;
    throw refusal({
      code: 'balancer-audience-unknown',
      summary: "The load balancer's rules do not know this audience",
      detail: `The configuration on ${host} does not decide by ${unknown.map(describeAudienceRule).join(' or ')}, so these requests would not get the canary. Nothing was changed.`,
      hint: `Replace its part by what this prints, and reload it:  deployctl snippet ENV ${balancer}`,
      address: routeAddress(balancer, route),
    });
  }
}

/** Takes the lock of every host, in their order, so that two that want all of them cannot wait for each other. */
async function lockAll(
  parts: BalancerParts,
  hosts: readonly string[],
  asks: readonly SampleAsk[],
  cx: Context,
  body: (read: readonly HostReading[] | undefined) => Promise<readonly HostReading[]>,
): Promise<readonly HostReading[]> {
  const lock = (
    [first, ...rest]: readonly string[],
    read: readonly (HostReading | undefined)[],
  ): Promise<readonly HostReading[]> => {
    if (first !== undefined) {
      return parts.driver.locked(first, cx, (reading) => lock(rest, [...read, reading]), asks);
    }
    const whole = read.filter((reading) => reading !== undefined);
    return body(whole.length === read.length ? whole : undefined);
  };
  return lock(hosts, []);
}

/** What was asked in the same exchange, or else is asked now. */
async function sampled(
  { driver }: BalancerParts,
  { host, sampled: known = [] }: HostReading,
  ask: SampleAsk,
  cx: Context,
): Promise<Samples> {
  const found = known.find((each) => sameValue(each.ask, ask));
  return found?.samples ?? driver.sample(host, ask, cx.signal);
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
function proofsOf({
  route,
  to,
}: RouteSet): readonly { readonly ask: SampleAsk; readonly basisPoints: number; readonly which: string }[] {
  if (to === null) return [];
  const basisPoints = to.stable === to.canary ? 10_000 : to.canaryBasisPoints;
  return [
    { ask: { route, count: sampleCount(to) }, basisPoints, which: 'fresh requests' },
    ...(to.audience ?? []).map((as) => ({
      ask: { route, count: 3, as },
      basisPoints: 10_000,
      which: `fresh requests with ${describeAudienceRule(as)}`,
    })),
  ];
}

async function askForIt(
  parts: BalancerParts,
  operation: RouteSet,
  readings: readonly HostReading[],
  cx: Context,
): Promise<void> {
  for (const reading of readings) {
    for (const { ask, basisPoints, which } of proofsOf(operation)) {
      refuseStray(operation, reading.host, await sampled(parts, reading, ask, cx), basisPoints, which);
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
    hint: `A pool without a healthy member is left out by the rules; else compare them with:  deployctl snippet ENV ${balancer}`,
    address,
  });
}
