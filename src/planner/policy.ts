/** What a plan may not do by the environment's policy. Pure: the time and the actor are given. */
import type {
  Diagnostic,
  FreezeDeclared,
  Instant,
  Intent,
  Plan,
  PolicyDeclared,
  RouteValue,
  Step,
} from '../model/index.ts';
import { utcText } from './utc-text.ts';

/** The way back is always open: in a freeze, without signatures, and in one step. */
const isWayBack = (intent: Intent): boolean => intent.kind === 'revert';

// ── of the plan itself ───────────────────────────────────────────────────────────────────────────────

/** Steps that would move more of a service's requests at once than max_share_step allows: they hold the plan. */
export function tooLargeSteps(
  steps: readonly Step[],
  policy: PolicyDeclared,
  intent: Intent,
): readonly Diagnostic[] {
  const most = policy.maxShareStepPercent;
  if (most === undefined || isWayBack(intent)) return [];
  return steps.flatMap((step): readonly Diagnostic[] => {
    const moved = movedPercent(step);
    if (moved <= most) return [];
    return [
      {
        code: 'policy-max-share-step',
        severity: 'error',
        summary: 'A step would move more traffic at once than the policy allows',
        detail: `"${step.summary}" moves ${moved}% of the requests${step.service === undefined ? '' : ` of ${step.service}`}; max_share_step is ${most}.`,
        hint: `Use strategy "canary" with steps that are no further than ${most} apart, the last one from the end included.`,
        ...(policy.origin === undefined ? {} : { subject: policy.origin }),
        address: step.service ?? step.address,
      },
    ];
  });
}

/** How many of a route's requests go elsewhere after the step, in whole percent, rounded up. None did where there was no route. */
function movedPercent({ operation }: Step): number {
  if (operation.op !== 'route.set' || operation.from.runtime === null || operation.to === null) return 0;
  const before = basisPoints(operation.from.runtime);
  let moved = 0;
  for (const [pool, share] of basisPoints(operation.to))
    moved += Math.max(0, share - (before.get(pool) ?? 0));
  return Math.ceil(moved / 100);
}

function basisPoints({ stable, canary, canaryBasisPoints }: RouteValue): ReadonlyMap<string, number> {
  if (stable === canary) return new Map([[stable, 10_000]]);
  return new Map([
    [stable, 10_000 - canaryBasisPoints],
    [canary, canaryBasisPoints],
  ]);
}

// ── of applying it ───────────────────────────────────────────────────────────────────────────────────

const freezeAt = (policy: PolicyDeclared, now: Instant): FreezeDeclared | undefined =>
  policy.freezes.find(({ from, until }) => from <= now && now < until);

type Planned = Pick<Plan, 'steps' | 'intent' | 'environment'> & {
  readonly declared: Pick<Plan['declared'], 'policy'>;
};

/** Signatures that the plan needs before it may be applied. */
export const approvalsNeeded = ({ intent, steps, declared: { policy } }: Planned): number =>
  isWayBack(intent) || steps.length === 0 ? 0 : (policy.approvals ?? 0);

/** What will keep the plan from being applied as things stand: shown with it, before anybody is asked. */
export function policyWarnings(plan: Planned, now: Instant): readonly Diagnostic[] {
  const { policy } = plan.declared;
  if (plan.steps.length === 0) return [];
  const freeze = isWayBack(plan.intent) ? undefined : freezeAt(policy, now);
  const needed = approvalsNeeded(plan);
  return [
    ...(freeze === undefined ? [] : [frozen(freeze, plan.environment, 'warning')]),
    ...(needed === 0 ? [] : [needsApprovals(needed, policy, 'warning')]),
  ];
}

export interface Applying {
  readonly now: Instant;
  /** `kim@laptop`. */
  readonly who: string;
  /** Whether it comes from a file, whose signatures are checked elsewhere. */
  readonly isSaved: boolean;
}

/** Why it may not be applied now, by this actor, in this way. */
export function policyRefusals(plan: Planned, { now, who, isSaved }: Applying): readonly Diagnostic[] {
  const { policy } = plan.declared;
  const freeze = isWayBack(plan.intent) ? undefined : freezeAt(policy, now);
  const needed = approvalsNeeded(plan);
  return [
    ...actorRefusals(policy, who),
    ...(freeze === undefined ? [] : [frozen(freeze, plan.environment, 'error')]),
    ...(needed === 0 || isSaved ? [] : [needsApprovals(needed, policy, 'error')]),
  ];
}

/** Empty: this actor may change the environment. */
export function actorRefusals(policy: PolicyDeclared, who: string): readonly Diagnostic[] {
  const { actors, origin } = policy;
  if (actors === undefined || actors.some((actor) => isActor(actor, who))) return [];
  return [
    {
      code: 'policy-actors',
      severity: 'error',
      summary: 'The policy names who may do this',
      detail: `You are ${who}, and the policy names ${actors.length === 0 ? 'nobody' : actors.join(', ')}. Nothing was touched.`,
      hint: 'Ask one of them. To stop a run in progress is for everybody:\n    deployctl pause ENV\n    deployctl abort ENV',
      ...(origin === undefined ? {} : { subject: origin }),
    },
  ];
}

/** `kim` is kim on every machine, `kim@ci` only there. */
const isActor = (actor: string, who: string): boolean => actor === who || actor === personOf(who);

/** The part before the last @: the same person on another machine, or in a file of signers. */
export const personOf = (who: string): string => who.replace(/@[^@]*$/, '');

const frozen = (
  { reason, until, origin }: FreezeDeclared,
  environment: string,
  severity: Diagnostic['severity'],
): Diagnostic => ({
  code: 'policy-freeze',
  severity,
  summary: 'Nothing is deployed in a freeze',
  detail: `${environment} is frozen until ${utcText(until)}: ${reason}. ${severity === 'error' ? 'Nothing was touched.' : 'This plan cannot be applied before.'}`,
  hint: 'Going back is always possible:  deployctl revert ENV',
  ...(origin === undefined ? {} : { subject: origin }),
});

const needsApprovals = (
  needed: number,
  { origin }: PolicyDeclared,
  severity: Diagnostic['severity'],
): Diagnostic => ({
  code: 'policy-approvals',
  severity,
  summary: 'The plan needs approval',
  detail: `${needed === 1 ? 'Somebody else' : `${needed} others`} must sign it before it is applied, so it has to be saved.${severity === 'error' ? ' Nothing was touched.' : ''}`,
  hint: 'Save it:        deployctl plan ENV --out p.plan\nHave it signed: deployctl approve p.plan\nApply it:       deployctl apply p.plan',
  ...(origin === undefined ? {} : { subject: origin }),
});
