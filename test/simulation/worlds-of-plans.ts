/** Worlds to plan in, each from one seed: services, fleets, zones, strategies, and how they are found. */
import type { Declared, Observation, ServiceDeclared, StrategyDeclared } from '../../src/model/index.ts';
import type { Random } from '../rig/random.ts';
import { at, blueGreen, canary, declare, inPlace, rolling, seen, service } from '../rig/worlds.ts';

export interface PlannedWorld {
  readonly declared: Declared;
  readonly observations: readonly Observation[];
  readonly service: ServiceDeclared;
}

const hostNames = Array.from({ length: 12 }, (_, index) => `web-${index + 1}`);
const found = ['1.0.0', '1.0.0', '1.0.0', '2.0.0', '0.9.0', 'nothing', 'stopped', 'unhealthy'] as const;

/** A sick slot has hosts of every kind; a sound one runs one release everywhere. */
function slotOf(random: Random, hosts: readonly string[]): string | Record<string, string> {
  if (random.chance(0.6)) return random.pick(['1.0.0', '1.0.0', '2.0.0', '0.9.0', 'nothing']);
  return Object.fromEntries(hosts.map((host) => [host, random.pick(found)]));
}

function strategyOf(random: Random): StrategyDeclared {
  const bakeMs = random.pick([0, 1_000, 60_000]);
  switch (random.between(0, 5)) {
    case 0:
      return { ...blueGreen, bakeMs, keepWarm: random.chance(0.5) } as StrategyDeclared;
    case 1:
      return inPlace;
    case 2: {
      const batch = random.chance(0.5)
        ? { percent: random.between(1, 100) }
        : { hosts: random.between(1, 5) };
      return { ...rolling, batch, pauseMs: bakeMs, maxFailures: random.pick([0, 0, 1, 2]) };
    }
    default: {
      const shares = Array.from({ length: random.between(1, 5) }, () => random.between(0, 100)).sort(
        (a, b) => a - b,
      );
      const growing = shares.filter((share, index) => share < 100 || index === shares.indexOf(100));
      return {
        ...canary,
        keepWarm: random.chance(0.7),
        steps: growing.map((share) => ({
          share,
          bakeMs: random.pick([0, 1_000, 300_000]),
          approval: random.chance(0.2),
          audience: random.chance(0.2)
            ? [{ by: 'header' as const, name: 'x-beta', value: String(share) }]
            : [],
          origin: at(31),
        })),
      };
    }
  }
}

export function worldOf(random: Random): PlannedWorld {
  const hosts = hostNames.slice(0, random.between(1, random.chance(0.08) ? 12 : 4));
  const strategy = strategyOf(random);
  const hasTwo = strategy.kind === 'blue_green' || (strategy.kind === 'canary' && random.chance(0.6));
  const names = hasTwo ? ['blue', 'green'] : ['main'];
  const wish = { hosts, strategy, slots: names, keep: random.between(1, 3) };
  const before = service(wish);
  const declared = service({ ...wish, environment: random.chance(0.1) ? { FEATURE: 'on' } : {} });
  const active = random.chance(0.85) ? names[0] : random.chance(0.5) ? names.at(-1) : undefined;
  const zones = random.chance(0.4)
    ? Object.fromEntries(hosts.map((host, index) => [host, ['a', 'b', 'c'][index % 3] ?? 'a']))
    : {};
  return {
    declared: declare([declared], random.pick([0, 25, 50, 75, 100]), zones),
    service: declared,
    observations: seen(
      before,
      Object.fromEntries(names.map((name) => [name, slotOf(random, hosts)])),
      active,
      {
        basisPoints: random.pick([0, 0, 0, 0, 100, 2_500]),
        out: names.flatMap((name) =>
          hosts.filter(() => random.chance(0.05)).map((host) => `${name}/${host}`),
        ),
        installed: ['0.9.0', '1.0.0'],
      },
    ),
  };
}
