/** What differs between two deployments, in the words of the configuration. */
import {
  type Address,
  type Declared,
  type Deployment,
  type Drift,
  type HookDeclared,
  type HostDeclared,
  type InstanceDeclared,
  type Json,
  newestTold,
  type PoolDeclared,
  releaseDirectory,
  type ServiceDeclared,
  sameValue,
} from '../model/index.ts';
import { processAttributes } from '../strategies/changes.ts';
import { releaseStanding, type Standing } from './standing.ts';

/** The unit file of an instance; undefined: it has none. */
export type UnitTextOf = (
  service: ServiceDeclared,
  instance: InstanceDeclared,
  host: HostDeclared,
) => string | undefined;

/** A deployment as it stood when it was done. */
export interface Deployed {
  readonly declared: Declared;
  readonly standing: Standing;
  /** Itself and those before it, newest last: one of them tells how what an idle slot keeps is run. */
  readonly deployments: readonly Deployment[];
}

/**
 * One difference for each address that is not the same in both: `before` or `after` is null where only the other has it.
 * Where things are declared is none: a line that was moved changes nothing.
 */
export function compareDeployments(
  before: Deployed,
  after: Deployed,
  unitText: UnitTextOf,
): readonly Drift[] {
  const left = partsOf(before, unitText);
  const right = partsOf(after, unitText);
  return [...new Set([...right.keys(), ...left.keys()])].flatMap((address) => {
    const [was, is] = [left.get(address) ?? null, right.get(address) ?? null];
    return sameValue(was, is) ? [] : [{ address: address as Address, before: was, after: is }];
  });
}

/** Releases first: they are why the rest changes. */
function partsOf(deployed: Deployed, unitText: UnitTextOf): ReadonlyMap<string, Json> {
  const { declared } = deployed;
  const { services, balancers, zones, policy, hooks, secrets, outputs } = declared;
  return new Map<string, Json>([
    ...services.map(({ release }): [string, Json] => [
      `release.${release.name}`,
      { version: release.version, sha256: release.artifact.sha256, ...words({ notes: release.notes }) },
    ]),
    ...services.flatMap((service) => serviceParts(service, deployed, unitText)),
    ...declared.hosts.map(({ address, ...rest }): [string, Json] => [address, words(rest)]),
    ...balancers.map(({ address, pools, routes: _, ...rest }): [string, Json] => [
      address,
      { ...words(rest), pools: Object.fromEntries(pools.map((pool) => [pool.name, membersOf(pool)])) },
    ]),
    ...zones.map(({ address, records: _, ...rest }): [string, Json] => [address, words(rest)]),
    ['policy', words(policy)],
    ...(hooks.length === 0 ? [] : [['hooks', words(byPoint(hooks))] as [string, Json]]),
    ...Object.entries(secrets).map(([name, source]): [string, Json] => [`secret.${name}`, words(source)]),
    ...Object.entries(outputs).map(([name, { value, sensitive }]): [string, Json] => [
      `output.${name}`,
      { value: sensitive ? '(sensitive value)' : value },
    ]),
  ]);
}

/** Checks, routes and records are told where the service declares them. */
const membersOf = ({ members }: PoolDeclared): readonly string[] =>
  members.map(({ name, address, port }) => `${name} ${address}:${port}`);

function serviceParts(
  service: ServiceDeclared,
  deployed: Deployed,
  unitText: UnitTextOf,
): readonly [string, Json][] {
  const { address, dependsOn, release, slots, install, traffic, strategy } = service;
  const own = words({ dependsOn, release: `release.${release.name}`, install, traffic, strategy });
  return [
    [address, own],
    ...slots.flatMap(({ instances }) =>
      instances.flatMap((instance): [string, Json][] => {
        const part = standingPart(service, instance, deployed, unitText);
        return part === undefined ? [] : [[instance.address, part]];
      }),
    ),
  ];
}

/** As it stood there: what is declared, or what an idle slot kept of an earlier deployment. undefined: nothing stood there. */
function standingPart(
  service: ServiceDeclared,
  { address }: InstanceDeclared,
  { declared, standing, deployments }: Deployed,
  unitText: UnitTextOf,
): { readonly [name: string]: Json } | undefined {
  const state = standing.get(address);
  const release = state === undefined ? releaseDirectory(service.release) : releaseStanding(state);
  if (release === undefined) return undefined;
  const tell = (by: Declared) => declaredPart(address, release, by, unitText);
  const part = tell(declared) ?? newestTold(deployments, tell) ?? { release };
  const isStopped = state?.running === null && 'process' in part;
  return isStopped ? { ...part, running: false } : part;
}

/** undefined: it declares nothing there, or another release. */
function declaredPart(
  address: Address,
  wanted: string,
  { services, hosts }: Declared,
  unitText: UnitTextOf,
): { readonly [name: string]: Json } | undefined {
  for (const service of services) {
    if (!address.startsWith(`${service.address}.`)) continue;
    for (const { instances, port } of service.slots) {
      const instance = instances.find((each) => each.address === address);
      const host = hosts.find(({ name }) => name === instance?.host);
      const release = releaseDirectory(service.release);
      if (instance === undefined || release !== wanted) continue;
      const unit = host === undefined ? undefined : unitText(service, instance, host);
      const { process, health, hooks } = instance;
      return {
        release,
        ...(port === undefined ? {} : { port }),
        ...processParts(process, unit),
        ...words({ health: asBlock(health), hooks: hooks.length === 0 ? undefined : byPoint(hooks) }),
      };
    }
  }
  return undefined;
}

/** A check by a command has `command`, as its block does. */
function asBlock(health: InstanceDeclared['health']): object | undefined {
  if (health?.kind !== 'command') return health;
  const { argv, ...rest } = health;
  return { command: argv, ...rest };
}

/** By the point at which they run, so that a difference tells which; further ones of a point are counted. */
const byPoint = (hooks: readonly HookDeclared[]): { readonly [point: string]: unknown } =>
  Object.fromEntries(
    hooks.map(({ point, argv, ...hook }, at) => {
      const before = hooks.slice(0, at).filter((each) => each.point === point).length;
      return [before === 0 ? point : `${point}_${before + 1}`, { run: argv, ...hook }];
    }),
  );

/** A unit file says all that its process does. */
function processParts(
  process: InstanceDeclared['process'],
  unit: string | undefined,
): { readonly [name: string]: Json } {
  if (process === undefined) return {};
  return unit === undefined ? processAttributes(process) : { process: process.kind, unit };
}

// ── from the model's names to those of the blocks ────────────────────────────────────────────────────

/** What these hold is named by the user: their keys are no words of ours. */
const namedByTheUser: ReadonlySet<string> = new Set([
  'labels',
  'environment',
  'headers',
  'pools',
  'values',
  'endpoints',
]);

/** `bakeMs: 30000` is `bake = "30s"`, `minInServicePercent: 75` is `min_in_service = "75%"`. */
function words(value: object): { readonly [name: string]: Json } {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]): [string, Json][] => {
      if (each === undefined || key === 'origin') return [];
      if (typeof each === 'number' && key.endsWith('Ms')) return [[snake(key.slice(0, -2)), duration(each)]];
      if (typeof each === 'number' && key.endsWith('Seconds'))
        return [[snake(key.slice(0, -'Seconds'.length)), duration(each * 1000)]];
      if (typeof each === 'number' && key.endsWith('Percent'))
        return [[snake(key.slice(0, -'Percent'.length)), `${each}%`]];
      if (namedByTheUser.has(key) && isRecord(each)) return [[snake(key), asWritten(each)]];
      return [[snake(key), wordsIn(each)]];
    }),
  );
}

const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const asWritten = (value: object): Json =>
  Object.fromEntries(Object.entries(value).map(([key, each]) => [key, wordsIn(each)]));

function wordsIn(value: unknown): Json {
  if (Array.isArray(value)) return value.map(wordsIn);
  return typeof value === 'object' && value !== null ? words(value) : (value as Json);
}

const snake = (key: string): string =>
  /^[a-z]+(?:[A-Z][a-z0-9]*)+$/.test(key)
    ? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    : key;

const duration = (ms: number): string =>
  ms % 1000 !== 0 ? `${ms}ms` : ms >= 60_000 && ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms / 1000}s`;
