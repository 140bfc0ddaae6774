/** Routes over all workers and hosts of a balancer: what they come to, and where that stands on an operation. Pure. */
import {
  type Address,
  type Diagnostic,
  type Operation,
  poolsServedBy,
  type RouteState,
  type RouteValue,
  routeAddress,
  type Standing,
  sameValue,
} from '../../model/index.ts';
import { asDiagnostic } from './failure.ts';
import { describeRoute, type HostReading, isReadable, type RouteCell } from './reading.ts';

/** What one place (a worker, a file) of one host says. */
interface Saying {
  /** `lb-2 worker 4711`, `lb-2 /etc/haproxy/edge.map`. */
  readonly who: string;
  readonly kind: 'serving' | 'retiring' | 'persisted';
  readonly value: RouteValue | null;
}

/** Everything that is said about a route, or why it cannot be understood. The first host's serving worker comes first. */
function sayings(
  route: string,
  hosts: readonly HostReading[],
): readonly Saying[] | { readonly who: string; readonly unreadable: string } {
  const all: Saying[] = [];
  for (const { host, workers, persisted, persistedIn } of hosts) {
    const cells: { who: string; kind: Saying['kind']; cell: RouteCell | null }[] = [
      ...workers.flatMap(({ name, serving, routes }) =>
        routes === undefined
          ? []
          : [
              {
                who: `${host} ${name}`,
                kind: serving ? ('serving' as const) : ('retiring' as const),
                cell: routes.get(route) ?? null,
              },
            ],
      ),
      { who: `${host} ${persistedIn}`, kind: 'persisted', cell: persisted.get(route) ?? null },
    ];
    for (const { who, kind, cell } of cells) {
      if (cell !== null && !isReadable(cell)) return { who, unreadable: cell.unreadable };
      all.push({ who, kind, value: cell });
    }
  }
  return all;
}

/**
 * What all of them come to: the first host speaks for the balancer, and whoever says something else is named. So two
 * hosts of a pair that differ are shown as such, and never averaged away.
 */
export function routeState(
  balancer: Address,
  route: string,
  hosts: readonly HostReading[],
): RouteState | Diagnostic {
  const said = sayings(route, hosts);
  if ('unreadable' in said) return unreadableRoute(balancer, route, said);
  const runtime = said.find((each) => each.kind === 'serving')?.value ?? null;
  const persisted = said.find((each) => each.kind === 'persisted')?.value ?? null;
  return {
    runtime,
    persisted,
    disagreeing: said
      .filter((each) => !sameValue(each.value, each.kind === 'persisted' ? persisted : runtime))
      .map(({ who, value }) => ({ worker: who, value })),
  };
}

export const isDiagnostic = (state: RouteState | Diagnostic): state is Diagnostic => 'severity' in state;

const unreadableRoute = (
  balancer: Address,
  route: string,
  { who, unreadable }: { readonly who: string; readonly unreadable: string },
): Diagnostic =>
  asDiagnostic({
    code: 'route-unreadable',
    summary: 'The route holds something that deployctl did not write',
    detail: `${routeAddress(balancer, route)} is ${JSON.stringify(unreadable)} in ${who}, which is not what deployctl writes there.`,
    hint: `Correct or remove the line of ${JSON.stringify(route)} there, in the file and at run time, and plan again.`,
    address: routeAddress(balancer, route),
  });

type RouteSet = Extract<Operation, { op: 'route.set' }>;

/**
 * Where the world stands on a move of a route.
 *
 * A move that was interrupted leaves some places at `from` and some at `to`: that is still `before`, and performing it
 * completes it. A generation that only finishes old connections may say anything: one that missed an earlier change is
 * mended by the next. Everything else that is neither `from` nor `to` is somebody else's.
 */
export function routeStanding(operation: RouteSet, hosts: readonly HostReading[]): Standing {
  const said = sayings(operation.route, hosts);
  if ('unreadable' in said)
    return { at: 'unknown', why: unreadableRoute(operation.balancer, operation.route, said) };
  if (said.every((each) => sameValue(each.value, operation.to))) return { at: 'after' };
  const { runtime, persisted, disagreeing = [] } = operation.from;
  const expected = [operation.to, runtime, persisted, ...disagreeing.map((each) => each.value)];
  const foreign = said.filter(
    (each) => each.kind !== 'retiring' && !expected.some((value) => sameValue(value, each.value)),
  );
  if (foreign.length > 0) {
    const values = new Set(foreign.map((each) => describeRoute(each.value)));
    return {
      at: 'elsewhere',
      seen:
        values.size === 1
          ? `is ${describeRoute(foreign[0]?.value ?? null)} now (${foreign.map((each) => each.who).join(', ')})`
          : `is ${foreign.map((each) => `${describeRoute(each.value)} in ${each.who}`).join(' and ')} now`,
    };
  }
  return { at: 'before' };
}

/** Routes of which some place still sends requests to this pool: it cannot be drained then. */
export function routesInto(
  pool: string,
  hosts: readonly HostReading[],
): readonly { readonly route: string; readonly who: string }[] {
  return hosts.flatMap(({ host, workers }) =>
    workers.flatMap(({ name, routes }) =>
      [...(routes ?? [])].flatMap(([route, cell]) =>
        isReadable(cell) && poolsServedBy(cell).has(pool) ? [{ route, who: `${host} ${name}` }] : [],
      ),
    ),
  );
}

/**
 * How many of `taken` samples a pool may have got if the rules give it this share: five standard deviations of a
 * binomial around the mean (a right balancer fails once in 1.7 million times), exact where the share is 0 or 1.
 */
export function sampleBounds(taken: number, basisPoints: number): readonly [number, number] {
  const share = basisPoints / 10_000;
  const mean = taken * share;
  const spread = 5 * Math.sqrt(mean * (1 - share));
  // A binomial is wider than the normal curve where its mean is near 0; half a count for its steps.
  const slack = spread === 0 ? 0 : 0.5 + (mean < 10 || taken - mean < 10 ? 6 : 0);
  return [Math.max(0, Math.floor(mean - spread - slack)), Math.min(taken, Math.ceil(mean + spread + slack))];
}

/** Whether no place holds anything for the route. */
export const isGone = ({ runtime, persisted, disagreeing }: RouteState): boolean =>
  runtime === null && persisted === null && disagreeing.length === 0;
