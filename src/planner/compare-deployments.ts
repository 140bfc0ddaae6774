/** What differs between two deployments, in the words of the configuration. */
import {
  type Address,
  type Declared,
  type Drift,
  type HostDeclared,
  type InstanceDeclared,
  type Json,
  type PoolDeclared,
  releaseDirectory,
  type ServiceDeclared,
  sameValue,
} from '../model/index.ts';
import { processAttributes } from '../strategies/changes.ts';

/** The unit file of an instance; undefined: it has none. */
export type UnitTextOf = (
  service: ServiceDeclared,
  instance: InstanceDeclared,
  host: HostDeclared,
) => string | undefined;

/**
 * One difference for each address that is not the same in both: `before` or `after` is null where only the other has it.
 * Where things are declared is none: a line that was moved changes nothing.
 */
export function compareDeployments(
  before: Declared,
  after: Declared,
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
function partsOf(declared: Declared, unitText: UnitTextOf): ReadonlyMap<string, Json> {
  const hosts = new Map(declared.hosts.map((host) => [host.name, host]));
  const { services, balancers, zones, policy, hooks, secrets, outputs } = declared;
  return new Map<string, Json>([
    ...services.map(({ release }): [string, Json] => [
      `release.${release.name}`,
      { version: release.version, sha256: release.artifact.sha256, ...words({ notes: release.notes }) },
    ]),
    ...services.flatMap((service) => serviceParts(service, hosts, unitText)),
    ...declared.hosts.map(({ address, ...rest }): [string, Json] => [address, words(rest)]),
    ...balancers.map(({ address, pools, routes: _, ...rest }): [string, Json] => [
      address,
      { ...words(rest), pools: Object.fromEntries(pools.map((pool) => [pool.name, membersOf(pool)])) },
    ]),
    ...zones.map(({ address, records: _, ...rest }): [string, Json] => [address, words(rest)]),
    ['policy', words(policy)],
    ...(hooks.length === 0 ? [] : [['hooks', words({ hooks })] as [string, Json]]),
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
  hosts: ReadonlyMap<string, HostDeclared>,
  unitText: UnitTextOf,
): readonly [string, Json][] {
  const { address, dependsOn, release, slots, install, traffic, strategy } = service;
  const own = words({ dependsOn, release: `release.${release.name}`, install, traffic, strategy });
  return [
    [address, own],
    ...slots.flatMap((slot) =>
      slot.instances.map((instance): [string, Json] => {
        const host = hosts.get(instance.host);
        const unit = host === undefined ? undefined : unitText(service, instance, host);
        const { process, health, hooks } = instance;
        return [
          instance.address,
          {
            release: releaseDirectory(release),
            ...(slot.port === undefined ? {} : { port: slot.port }),
            ...processParts(process, unit),
            ...words({ health, hooks: hooks.length === 0 ? undefined : hooks }),
          },
        ];
      }),
    ),
  ];
}

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
