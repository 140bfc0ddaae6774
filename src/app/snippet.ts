import type { BalancerDeclared, Diagnostic } from '../model/index.ts';
import type { SnippetOptions } from '../providers/registry.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import { AppFailure } from './failure.ts';
import { loadDeclaration } from './load.ts';
import { kindOf } from './world.ts';

/** The text for the operator's own configuration. With one balancer the address may be left out. */
export async function balancerSnippet(
  ask: ConfigurationAsk,
  address: string | undefined,
  options: SnippetOptions,
  cx: AppContext,
): Promise<string> {
  const { declared } = await loadDeclaration(ask, cx);
  const balancer = findBalancer(declared.balancers, address);
  return kindOf(balancer).snippet(balancer, options);
}

function findBalancer(balancers: readonly BalancerDeclared[], address: string | undefined): BalancerDeclared {
  const [first] = balancers;
  if (address === undefined && balancers.length === 1 && first !== undefined) return first;
  const found = balancers.find((each) => each.address === address || each.name === address);
  if (found === undefined) throw new AppFailure([noSuchBalancer(balancers, address)]);
  return found;
}

const noSuchBalancer = (balancers: readonly BalancerDeclared[], address: string | undefined): Diagnostic => ({
  code: 'no-such-balancer',
  severity: 'error',
  summary: address === undefined ? 'Which load balancer is meant?' : 'There is no such load balancer',
  detail: address === undefined ? 'The address is missing.' : `${address} is not declared.`,
  hint:
    balancers.length === 0
      ? 'The environment declares none.'
      : `There are: ${balancers.map((each) => each.address).join(', ')}.`,
});
