/** The world of one run: channels to the hosts and a provider for everything that is declared on them. */
import { join } from 'node:path';
import {
  type Address,
  type BalancerDeclared,
  balancerOf,
  type Check,
  type Clock,
  type Declared,
  type Observed,
  type Provider,
  type ProviderOf,
  zoneOf,
} from '../model/index.ts';
import { withHomes } from '../providers/host/home.ts';
import { openHostProvider } from '../providers/host/index.ts';
import { balancerKind } from '../providers/registry.ts';
import { openZone } from '../providers/rfc2136/index.ts';
import { type AskPassphrase, openHostChannels, unlockKey } from '../transport/index.ts';
import { artifactCache } from './artifacts.ts';
import type { AppContext } from './context.ts';
import { secretReader } from './secrets.ts';
import { type Trace, tracedChannels } from './trace.ts';

export interface Reach extends AsyncDisposable {
  /** One look at everything that is declared; what cannot be reached is unknown. Never rejects for that. */
  observe(signal: AbortSignal): Promise<Observed>;
  /** Everything that a run will need of the world, for `doctor`; all providers side by side. */
  check(signal: AbortSignal): Promise<readonly Check[]>;
  readonly providerOf: ProviderOf;
  /** The provider of a declared balancer or zone. */
  readonly balancer: (address: Address) => Provider;
  /** Reads a secret, at most once. Rejects with a `ProviderFailure` that names it and never its value. */
  readonly resolveSecret: (name: string) => Promise<string>;
}

/** Opens nothing yet: a host is dialled when it is first asked something, and its connection is kept (see transport). `lineage` is that of the recorded state, '' where there is none. */
export function reach(
  declared: Declared,
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>>,
  lineage: string,
  askPassphrase: AskPassphrase | undefined,
  trace: Trace | undefined,
): Reach {
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
