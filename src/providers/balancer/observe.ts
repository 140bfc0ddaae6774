/** One look at a balancer: its routes, the members of its pools, the file that deployctl writes for it. */
import {
  type Address,
  balancerConfigAddress,
  type Diagnostic,
  type Instant,
  type Kind,
  memberAddress,
  type Observation,
  type Observed,
  poolAddress,
  routeAddress,
  type Specs,
} from '../../model/index.ts';
import { mergeConfigs, readConfigs } from './config.ts';
import { memberState } from './member.ts';
import { type BalancerParts, readAll, whyUnknown } from './parts.ts';
import type { HostReading } from './reading.ts';
import { resolutionState } from './resolution.ts';
import { isDiagnostic, isGone, routeState } from './route.ts';

interface Wanted {
  readonly routes: readonly { readonly route: string; readonly address: Address }[];
  readonly members: readonly { readonly pool: string; readonly member: string; readonly address: Address }[];
  readonly resolved: readonly { readonly pool: string; readonly address: Address }[];
  readonly config: Address | undefined;
}

const wantedOf = ({ declared, traits }: BalancerParts): Wanted => ({
  routes: declared.routes.map(({ route }) => ({ route, address: routeAddress(declared.address, route) })),
  members: declared.pools.flatMap((pool) =>
    pool.members.map(({ name }) => ({
      pool: pool.name,
      member: name,
      address: memberAddress(declared.address, pool.name, name),
    })),
  ),
  resolved: (declared.resolved ?? []).map(({ name }) => ({
    pool: name,
    address: poolAddress(declared.address, name),
  })),
  config: traits.writesPools ? balancerConfigAddress(declared.address) : undefined,
});

/** undefined as spec: it was looked for and is not there. */
function seen<K extends Kind>(
  kind: K,
  address: Address,
  spec: Specs[K] | undefined,
  at: Instant,
): Observation {
  const observation =
    spec === undefined
      ? { status: 'absent', kind, address, at }
      : { status: 'present', kind, address, spec, at };
  return observation as Observation;
}

const unseen = (kind: Kind, address: Address, why: Diagnostic): Observation => ({
  status: 'unknown',
  kind,
  address,
  why,
});

/** Never throws for what is unreachable: that is unknown, with the reason. */
export async function observeBalancer(parts: BalancerParts, signal: AbortSignal): Promise<Observed> {
  const wanted = wantedOf(parts);
  let hosts: readonly HostReading[];
  try {
    hosts = await readAll(parts, signal);
  } catch (error) {
    const why = whyUnknown(error, parts.declared);
    return {
      observations: [
        ...wanted.routes.map(({ address }) => unseen('route', address, why)),
        ...wanted.members.map(({ address }) => unseen('member', address, why)),
        ...wanted.resolved.map(({ address }) => unseen('resolution', address, why)),
        ...(wanted.config === undefined ? [] : [unseen('balancer_config', wanted.config, why)]),
      ],
      notes: [],
    };
  }
  const at = parts.now();
  const silent = await whySilent(parts, wanted, signal);
  return {
    observations: [
      ...wanted.routes.map(({ route, address }) => {
        const state = routeState(parts.declared.address, route, hosts);
        if (isDiagnostic(state)) return unseen('route', address, state);
        if (silent !== undefined) return unseen('route', address, silent);
        return seen('route', address, isGone(state) ? undefined : state, at);
      }),
      ...wanted.members.map(({ pool, member, address }) =>
        seen('member', address, memberState(pool, member, hosts), at),
      ),
      ...wanted.resolved.map(({ pool, address }) =>
        seen('resolution', address, resolutionState(pool, hosts), at),
      ),
      ...(wanted.config === undefined ? [] : [await observeConfig(parts, wanted.config, hosts, at, signal)]),
    ],
    notes: [],
  };
}

/**
 * A route that nobody decides by is not a route: the map may say what it likes when the proxy's rules do not ask it.
 * So its own rules are asked once on each host.
 */
async function whySilent(
  { declared, driver }: BalancerParts,
  { routes }: Wanted,
  signal: AbortSignal,
): Promise<Diagnostic | undefined> {
  const [first] = routes;
  if (first === undefined) return undefined;
  try {
    await Promise.all(
      declared.hosts.map((host) => driver.sample(host, { route: first.route, count: 1 }, signal)),
    );
    return undefined;
  } catch (error) {
    return whyUnknown(error, declared);
  }
}

async function observeConfig(
  parts: BalancerParts,
  address: Address,
  hosts: readonly HostReading[],
  at: Instant,
  signal: AbortSignal,
): Promise<Observation> {
  try {
    const configs = await readConfigs(parts, hosts, signal);
    return seen('balancer_config', address, mergeConfigs(parts.renderConfig(parts.declared), configs), at);
  } catch (error) {
    return unseen('balancer_config', address, whyUnknown(error, parts.declared));
  }
}
