/** The world of one run: channels to the hosts and a provider for everything that is declared on them. */
import { join } from 'node:path';
import {
  type Address,
  type BalancerDeclared,
  balancerOf,
  type Declared,
  type Provider,
  zoneOf,
} from '../model/index.ts';
import { withHomes } from '../providers/host/home.ts';
import { openHostProvider } from '../providers/host/index.ts';
import { balancerKind } from '../providers/registry.ts';
import { openZone } from '../providers/rfc2136/index.ts';
import { openHostChannels, unlockKey } from '../transport/index.ts';
import { artifactCache } from './artifacts.ts';
import type { AppContext } from './context.ts';
import type { Reach } from './reach.ts';
import { secretReader } from './secrets.ts';
import { tracedChannels } from './trace.ts';

/** See `reach`. Loading this file loads every provider and the ways to hosts. */
export function openWorld(declared: Declared, lineage: string, cx: AppContext): Reach {
  const { clock, environment, askPassphrase, trace } = cx;
  const resolveSecret = secretReader(declared.secrets, environment);
  const opened = openHostChannels(declared.hosts, {
    clock,
    ...(askPassphrase === undefined ? {} : { askPassphrase }),
  });
  const channels = trace === undefined ? opened : tracedChannels(opened, trace, clock);
  const hosts = withHomes(
    openHostProvider(declared, channels, {
      clock,
      resolveSecret,
      artifactCache: artifactCache(environment),
      operatorFolder: join(declared.state.path, 'operator'),
      ...(lineage === '' ? {} : { lineage }),
    }),
    channels,
  );
  const balancers = new Map<Address, Provider>(
    declared.balancers.map((each) => [each.address, kindOf(each).open(each, channels, () => clock.now())]),
  );
  const zones = new Map<Address, Provider>(
    declared.zones.map((each) => [each.address, openZone(each, { resolveSecret, now: () => clock.now() })]),
  );
  const all = [hosts, ...balancers.values(), ...zones.values()];
  const balancer = (address: Address): Provider => {
    const provider = balancers.get(address) ?? zones.get(address);
    if (provider === undefined) throw new Error(`no provider for ${address}`);
    return provider;
  };
  return {
    resolveSecret,
    balancer,
    kindOf,
    async observe(signal) {
      const parts = await Promise.all(all.map((provider) => provider.observe(declared, signal)));
      return {
        observations: parts.flatMap((part) => part.observations),
        notes: parts.flatMap((part) => part.notes),
      };
    },
    async check(signal) {
      const parts = await Promise.all(all.map(async (provider) => provider.check?.(declared, signal) ?? []));
      return parts.flat();
    },
    providerOf(operation) {
      const address = balancerOf(operation) ?? zoneOf(operation);
      if (address === undefined) return hosts;
      return balancer(address);
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(all.map((provider) => provider[Symbol.asyncDispose]()));
      await channels[Symbol.asyncDispose]();
    },
  };
}

/** Asks for the passphrases of keys now, for commands whose view of the run takes the terminal before hosts are reached. */
export async function unlockKeys(declared: Declared, { askPassphrase }: AppContext): Promise<void> {
  if (askPassphrase === undefined) return;
  const paths = declared.hosts.flatMap(({ connection }) =>
    connection.kind === 'ssh' && connection.transport === 'ssh2' ? (connection.identityFile ?? []) : [],
  );
  for (const path of new Set(paths)) await unlockKey(path, askPassphrase);
}

/** The configuration has refused unknown kinds; a plan file may come from a newer program. */
export function kindOf(balancer: BalancerDeclared) {
  const kind = balancerKind(balancer.provider);
  if (kind === undefined) throw new Error(`this deployctl knows no load balancer "${balancer.provider}"`);
  return kind;
}
