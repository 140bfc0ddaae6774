/** What is declared and how it is reached. */
import type {
  Address,
  BalancerDeclared,
  Check,
  Declared,
  Observed,
  Provider,
  ProviderOf,
} from '../model/index.ts';
import type { BalancerKind } from '../providers/registry-entry.ts';
import type { AppContext } from './context.ts';
import { secretReader } from './secrets.ts';

export interface Reach extends AsyncDisposable {
  /** One look at everything that is declared; what cannot be reached is unknown. Never rejects for that. */
  observe(signal: AbortSignal): Promise<Observed>;
  /** Everything that a run will need of the world, for `doctor`; all providers side by side. */
  check(signal: AbortSignal): Promise<readonly Check[]>;
  readonly providerOf: ProviderOf;
  /** Throws for a kind that this program does not know. */
  readonly kindOf: (balancer: BalancerDeclared) => BalancerKind;
  /** The provider of a declared balancer or zone. */
  readonly balancer: (address: Address) => Provider;
  /** Reads a secret, at most once. Rejects with a `ProviderFailure` that names it and never its value. */
  readonly resolveSecret: (name: string) => Promise<string>;
}

/**
 * Opens nothing yet: a host is dialled when it is first asked something, and its connection is kept (see transport).
 * `lineage` is that of the recorded state, '' where there is none.
 * Where nothing is declared that could be reached, the providers are not even loaded: 3 ms of a start.
 */
export async function reach(declared: Declared, lineage: string, cx: AppContext): Promise<Reach> {
  const { hosts, balancers, zones, services } = declared;
  const isEmpty = [hosts, balancers, zones, services].every((each) => each.length === 0);
  if (isEmpty) return nothingToReach(declared, cx);
  const { openWorld } = await import('./world.ts');
  return openWorld(declared, lineage, cx);
}

function nothingToReach({ secrets }: Declared, { environment }: AppContext): Reach {
  const undeclared = (): never => {
    throw new Error('nothing is declared that could be reached');
  };
  return {
    resolveSecret: secretReader(secrets, environment),
    kindOf: undeclared,
    balancer: undeclared,
    providerOf: undeclared,
    observe: async () => ({ observations: [], notes: [] }),
    check: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}
