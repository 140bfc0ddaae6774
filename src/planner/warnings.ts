/** What a person should know although nothing follows from it. */
import { type Address, type Declared, type Diagnostic, isWithin, type Recorded } from '../model/index.ts';
import { activeSlot, isRouted, type Situation, standingOf, stateOf } from '../strategies/situation.ts';
import type { Selection } from './selection.ts';

export function findWarnings(
  declared: Declared,
  recorded: Recorded,
  situations: readonly Situation[],
  selection: Selection,
  untouched: readonly Address[],
): readonly Diagnostic[] {
  return [
    ...unfinishedRun(recorded),
    ...situations.flatMap(unhealthyInstances),
    ...situations.flatMap(audienceOfOneSlot),
    ...noLongerDeclared(declared, recorded, untouched),
    ...(selection.targets.length + selection.excluded.length > 0 ? [partial(selection)] : []),
  ];
}

/** What it left half done is in the plan as if it were the start of it; none can be applied before it is settled. */
function unfinishedRun({ unfinished }: Recorded): readonly Diagnostic[] {
  if (unfinished === undefined) return [];
  return [
    {
      code: 'run-unfinished',
      severity: 'warning',
      summary: 'An earlier run is not finished',
      detail: `Run ${unfinished.run}, begun by ${unfinished.actor.who}, is still going on or stopped part-way. This plan starts from where it stands now, and can be applied only when that run is settled.`,
      hint: 'Go on with it:  deployctl apply ENV --resume\nOr undo what it did:  deployctl abort ENV',
    },
  ];
}

/** It runs as declared and its check fails: no plan mends that, and a person must know before the next one. */
function unhealthyInstances(situation: Situation): readonly Diagnostic[] {
  const serving = activeSlot(situation) ?? (isRouted(situation) ? undefined : situation.service.slots[0]);
  return (serving?.instances ?? []).flatMap((instance) => {
    const { health } = stateOf(situation.instance(instance));
    if (health.status !== 'unhealthy' || standingOf(situation, instance) !== 'as_wanted') return [];
    return [
      {
        code: 'instance-unhealthy',
        severity: 'warning',
        summary: 'Something that serves is not healthy',
        detail: `${instance.address} runs as declared, and its check fails: ${health.detail}.`,
        address: instance.address,
        ...(instance.health === undefined ? {} : { subject: instance.health.origin }),
      } satisfies Diagnostic,
    ];
  });
}

/** Members of one pool are all the same to the balancer: it cannot send anybody to some of them. */
function audienceOfOneSlot({ service }: Situation): readonly Diagnostic[] {
  const { strategy, slots } = service;
  if (strategy.kind !== 'canary' || slots.length !== 1) return [];
  const named = strategy.steps.find((step) => step.audience.length > 0);
  if (named === undefined) return [];
  return [
    {
      code: 'audience-without-slots',
      severity: 'warning',
      summary: 'The audience has no effect',
      detail: `${service.address} has one slot: its canary is a part of the hosts of one pool, and the load balancer sends everybody to any of them.`,
      hint: 'Add a second slot, to which the load balancer can send the audience.',
      subject: named.origin,
      address: service.address,
    },
  ];
}

/** deployctl never stops what it is no longer told about: it says that it goes on, and lets a person decide. */
function noLongerDeclared(
  declared: Declared,
  recorded: Recorded,
  untouched: readonly Address[],
): readonly Diagnostic[] {
  const known = new Set<Address>(
    declared.services.flatMap((service) =>
      service.slots.flatMap((slot) => slot.instances.map((instance) => instance.address)),
    ),
  );
  const left = recorded.resources.filter(
    (each) =>
      each.kind === 'instance' &&
      each.spec?.running != null &&
      !known.has(each.address) &&
      !untouched.some((service) => isWithin(each.address, service)),
  );
  if (left.length === 0) return [];
  return [
    {
      code: 'no-longer-declared',
      severity: 'warning',
      summary: 'Something that deployctl started is no longer declared',
      detail: `${left.map((each) => each.address).join(', ')} ${left.length === 1 ? 'was' : 'were'} started by an earlier deployment, and nothing declares ${left.length === 1 ? 'it' : 'them'} now. deployctl leaves such processes running and looks at them no more.`,
      hint: 'Declare them again, or stop them by hand.',
    },
  ];
}

const partial = ({ targets, excluded }: Selection): Diagnostic => ({
  code: 'partial-plan',
  severity: 'warning',
  summary: 'The plan leaves a part of the configuration out',
  detail: [
    targets.length > 0 ? `Only ${targets.join(', ')} is planned.` : '',
    excluded.length > 0 ? `${excluded.join(', ')} is left out.` : '',
    'Afterwards the environment may not be as the configuration says.',
  ]
    .filter((part) => part !== '')
    .join(' '),
  hint: 'For exceptions only: plan again without --target and --exclude.',
});
