/** What can go wrong in a run beyond what providers and the store say themselves. */
import type { Address, Diagnostic, Floor, Judged, OperationName, Step, Verdict } from '../model/index.ts';

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
  'pool.resolve': 'The pool',
  'route.set': 'The route',
  'record.set': 'The DNS record',
  'record.converge': 'The DNS record',
  'record.expire': 'The service',
  bake: 'The service',
  approval: 'The canary',
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
    hint: 'Find out who changed it, then plan again:  deployctl plan ENV',
  });

export const effectNotSeen = (op: OperationName, address: Address): Diagnostic =>
  error('effect-not-seen', address, {
    summary: `${nouns[op]} is not as the step should have left it`,
    detail: `The change of ${address} was reported as made, but a look at it afterwards shows it as it was before.`,
    hint: 'Somebody may have put it back at once, or the change does not reach what decides. Look at it, then:  deployctl apply ENV --resume',
  });

/** `others`: hosts in service beside the one that was to leave; undefined: nobody could be seen. */
export const floorNotHeld = (
  address: Address,
  { service, least, withinMs }: Floor,
  others: readonly string[] | undefined,
): Diagnostic =>
  error('floor-not-held', service, {
    summary: 'Too few hosts are in service to take out another',
    detail: `${
      others === undefined
        ? `Who of ${service} is in service could not be seen`
        : `Beside it ${inService(others)} of ${service} ${others.length === 1 ? 'is' : 'are'} in service, and min_in_service asks for ${least}`
    }, for ${withinMs / 1000} s. ${address} was left as it is.`,
    hint: 'See why the others do not serve:  deployctl status ENV\nThen go on with:  deployctl apply ENV --resume',
  });

const inService = (hosts: readonly string[]): string => {
  if (hosts.length === 0) return 'no host';
  const named = hosts.length > 5 ? '' : ` (${hosts.join(', ')})`;
  return `${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}${named}`;
};

export const timedOut = (op: OperationName, address: Address, limitMs: number): Diagnostic =>
  error('step-timed-out', address, {
    summary: 'The step took too long',
    detail: `${op} on ${address} gave no answer for ${Math.round(limitMs / 1000)} s and was given up.`,
    hint: 'Check that the host answers. What the step did is looked at again by:  deployctl apply ENV --resume',
  });

export const unexpected = (op: OperationName, address: Address, cause: unknown): Diagnostic =>
  error('unexpected-failure', address, {
    summary: 'The step failed in an unexpected way',
    detail: `${op} on ${address}: ${cause instanceof Error ? cause.message : String(cause)}. This is a bug in deployctl.`,
    hint: 'Please report it. What the step did is looked at again by:  deployctl apply ENV --resume',
  });

export const analysisFailed = (
  service: Address,
  judged: Judged | undefined,
  { reason, requests, failed }: Verdict,
): Diagnostic =>
  error('analysis-failed', service, {
    summary: 'The canary is worse than it may be',
    detail: `At ${judged?.sharePercent ?? 100}% of ${service}: ${reason}.${affected(requests, failed)}`,
    hint: 'See what the analysis saw:  deployctl show ENV',
    ...subjectOf(judged),
  });

const affected = (requests: number | undefined, failed: number | undefined): string =>
  requests === undefined
    ? ''
    : ` It got ${requests} requests in this step${failed === undefined ? '' : `, of which ${failed} failed`}.`;

export const analysisInconclusive = (
  service: Address,
  judged: Judged | undefined,
  { reason }: Verdict,
): Diagnostic =>
  error('analysis-inconclusive', service, {
    summary: 'It is not known whether the canary is good',
    detail: `At ${judged?.sharePercent ?? 100}% of ${service} the time was over and there is no verdict: ${reason}. The share stays as it is.`,
    hint: 'Watch for as long again:  deployctl apply ENV --resume\nTake it back:  deployctl abort ENV',
    ...subjectOf(judged),
  });

const subjectOf = (judged: Judged | undefined): Pick<Diagnostic, 'subject'> => {
  const subject = judged?.analysis[0]?.origin;
  return subject === undefined ? {} : { subject };
};

export const noWayBack = (step: Step, because: string): Diagnostic =>
  error('no-way-back', step.address, {
    summary: 'A step cannot be undone',
    detail: `${step.summary}: ${because}. It stays done, and so does everything that it needed.`,
    hint: 'See what is left to do:  deployctl plan ENV',
  });

export const notRecorded = (detail: string): Diagnostic =>
  error('end-not-recorded', undefined, {
    summary: 'The end of the run could not be recorded',
    detail,
    hint: 'Go on with:  deployctl apply ENV --resume',
  });

export const nothingToPromote = (by: string): Diagnostic => ({
  code: 'nothing-to-promote',
  severity: 'warning',
  summary: 'Nothing waits for approval',
  detail: `The promotion by ${by} has no effect: no step of the run waits for approval now. What comes later is not approved by it.`,
  hint: 'To skip every wait that is left:  deployctl promote ENV --full',
});

export const hookFailed = (failure: Diagnostic, point: string): Diagnostic => ({
  ...failure,
  severity: 'warning',
  detail: `The ${point} hook failed, which changes nothing in how the run ended. ${failure.detail}`,
});
