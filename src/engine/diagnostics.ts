/** What can go wrong in a run beyond what providers and the store say themselves. */
import type { Address, Diagnostic, OperationName, Step } from '../model/index.ts';

/** What a person calls the thing that an operation changes. */
const nouns: Readonly<Record<OperationName, string>> = {
  'release.put': 'The release',
  'release.remove': 'The release',
  'slot.link': 'The slot',
  'process.set': 'The process',
  'health.verify': 'The instance',
  'hook.run': 'The hook',
  'release.prune': 'The releases',
  'balancer.configure': "The load balancer's configuration",
  'member.set': 'The pool member',
  'pool.drain': 'The pool',
  'pool.settle': 'The pool',
  'route.set': 'The route',
  bake: 'The service',
};

const error = (
  code: string,
  address: Address | undefined,
  rest: Omit<Diagnostic, 'code' | 'severity' | 'address'>,
) => ({
  code,
  severity: 'error' as const,
  ...rest,
  ...(address === undefined ? {} : { address }),
});

export const changedBySomeoneElse = (op: OperationName, address: Address, seen: string): Diagnostic =>
  error('changed-by-someone-else', address, {
    summary: `${nouns[op]} was changed by someone else`,
    detail: `${address} ${seen}: neither what the plan saw nor what this step would make of it. This step left it as it is.`,
    hint: 'Find out who changed it, then plan again: deployctl plan',
  });

export const effectNotSeen = (op: OperationName, address: Address): Diagnostic =>
  error('effect-not-seen', address, {
    summary: `${nouns[op]} is not as the step should have left it`,
    detail: `The change of ${address} was reported as made, but a look at it afterwards shows it as it was before.`,
    hint: 'Somebody may have put it back at once, or the change does not reach what decides. Look at it, then: deployctl apply --resume',
  });

export const timedOut = (op: OperationName, address: Address, limitMs: number): Diagnostic =>
  error('step-timed-out', address, {
    summary: 'The step took too long',
    detail: `${op} on ${address} gave no answer for ${Math.round(limitMs / 1000)} s and was given up.`,
    hint: 'Check that the host answers. What the step did is looked at again by: deployctl apply --resume',
  });

export const unexpected = (op: OperationName, address: Address, cause: unknown): Diagnostic =>
  error('unexpected-failure', address, {
    summary: 'The step failed in an unexpected way',
    detail: `${op} on ${address}: ${cause instanceof Error ? cause.message : String(cause)}. This is a bug in deployctl.`,
    hint: 'Please report it. What the step did is looked at again by: deployctl apply --resume',
  });

export const noWayBack = (step: Step, because: string): Diagnostic =>
  error('no-way-back', step.address, {
    summary: 'A step cannot be undone',
    detail: `${step.summary}: ${because}. It stays done, and so does everything that it needed.`,
    hint: 'See what is left to do: deployctl plan',
  });

export const notRecorded = (detail: string): Diagnostic =>
  error('end-not-recorded', undefined, {
    summary: 'The end of the run could not be recorded',
    detail,
    hint: 'Go on with: deployctl apply --resume',
  });

export const hookFailed = (failure: Diagnostic, point: string): Diagnostic => ({
  ...failure,
  severity: 'warning',
  detail: `The ${point} hook failed, which changes nothing in how the run ended. ${failure.detail}`,
});
