/**
 * What the other proofs stand on: the steps that change one thing must come one after the other in every order that the
 * needs allow. Two that may change places leave it in a state that no proof has looked at.
 */
import type { Diagnostic, Step } from '../../model/index.ts';
import type { OrderOfEvents } from './order-of-events.ts';
import type { ServiceModel } from './service-model.ts';

/** The steps of an instance, and those that move its requests, which may run in another order than they stand in. */
export function findUnordered(
  { instances, routes }: ServiceModel,
  order: OrderOfEvents,
): readonly Diagnostic[] {
  const chains = [
    ...[...instances.values()].flatMap((slot) => slot.map(({ chain }) => chain)),
    ...routes.map(({ switches }) => switches),
  ];
  return chains.flatMap((chain) =>
    chain.flatMap((step, index) => {
      const before = chain[index - 1];
      return before === undefined || order.mustPrecede(before, step) ? [] : [unordered(before, step)];
    }),
  );
}

const unordered = (before: Step, step: Step): Diagnostic => ({
  code: 'steps-unordered',
  severity: 'error',
  summary: 'Two steps of the plan could change places',
  detail: `Step ${step.id} has to come after ${before.id}, and does not wait for it.`,
  hint: 'This is a mistake in the planner: please report it with the configuration. Nothing was changed.',
  address: step.address,
});
