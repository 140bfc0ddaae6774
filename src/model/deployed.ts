/** What a plan leaves running when it is done. */
import type { Declared } from './declared.ts';
import { follow } from './moves.ts';
import type { Plan } from './plan.ts';

/**
 * What the deployment of a complete run declares: for the services that the plan is about what it declared, for those
 * that it left untouched what the deployment before it ran. A revert goes back to what ran, and to nothing else.
 */
export function deployedBy(
  { declared, untouched = [] }: Pick<Plan, 'declared' | 'untouched'>,
  before: Declared | undefined,
): Declared {
  if (untouched.length === 0) return declared;
  const isUntouched = new Set(untouched);
  const planned = declared.services.filter(({ address }) => !isUntouched.has(address));
  const kept = (before?.services ?? []).filter(({ address }) =>
    isUntouched.has(follow(address, declared.moves ?? [])),
  );
  return { ...declared, services: [...planned, ...kept] };
}
