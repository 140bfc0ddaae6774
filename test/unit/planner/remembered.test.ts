/** Waits for what a record was before, when nothing in the zone tells of it any more. */
import { expect, test } from 'vitest';
import { asInstant, emptyRecord, type Plan, type RecordState } from '../../../src/model/index.ts';
import { prove } from '../../../src/planner/prove/index.ts';
import { situate, World } from '../../../src/planner/situate.ts';
import { declareNamed, named, recordedNamed, seenNamed, withRecord } from '../../rig/named-worlds.ts';
import { planOf } from '../../rig/planning.ts';
import { now, service, type WorldWish } from '../../rig/worlds.ts';

const shop = named(service());
const blue = { ttlSeconds: 60, values: ['10.0.1.11', '10.0.1.12', '10.0.1.13'] };
const green = { ttlSeconds: 60, values: ['10.0.1.21', '10.0.1.22', '10.0.1.23'] };
const after = (seconds: number) => asInstant(now + seconds * 1000);

interface Past {
  readonly recorded: Partial<RecordState>;
  readonly seen: Partial<RecordState>;
  readonly found?: WorldWish;
  readonly revert?: boolean;
}

/** The waits of the plan, in seconds, by the last word of their step; `before`: those that a stop waits for. */
function waitsOf({ recorded, seen, found = { blue: '1.0.0', green: '0.9.0' }, revert = false }: Past) {
  const plan = planOf({
    declared: declareNamed(shop),
    observations: withRecord(seenNamed(shop, found, 'blue'), shop, seen),
    recorded: recordedNamed([shop], { A: recorded }),
    ...(revert ? { intent: { kind: 'revert', to: 1, services: [shop.address] } } : {}),
  });
  expect(plan.held).toEqual([]);
  const waits = plan.steps.flatMap(({ id, operation }) =>
    operation.op === 'record.expire' ? [[id, operation.durationMs / 1000] as const] : [],
  );
  const stops = plan.steps.filter(({ id }) => id.endsWith('/stop') || id.endsWith('/start'));
  return {
    waits: Object.fromEntries(waits.map(([id, seconds]) => [id.split('/').at(-1), seconds])),
    before: waits
      .filter(([id]) => stops.some(({ needs }) => needs.includes(id)))
      .map(([id]) => id.split('/').at(-1)),
  };
}

test.for<readonly [string, Past, ReturnType<typeof waitsOf>]>([
  [
    'nothing was changed: the TTL that stands there',
    { recorded: { rrset: blue }, seen: { rrset: blue } },
    { waits: { 'old-ttl': 62, 'new-ttl': 7 }, before: [] },
  ],
  [
    'a run has shortened an hour to 5 s, ten minutes ago: the rest of the hour',
    {
      recorded: {
        rrset: { ...blue, ttlSeconds: 5 },
        remembered: [{ rrset: { ...blue, ttlSeconds: 3600 }, until: after(3000) }],
      },
      seen: { rrset: { ...blue, ttlSeconds: 5 } },
    },
    { waits: { 'old-ttl': 3002, 'new-ttl': 7 }, before: [] },
  ],
  [
    'the hour is over',
    {
      recorded: {
        rrset: { ...blue, ttlSeconds: 5 },
        remembered: [{ rrset: { ...blue, ttlSeconds: 3600 }, until: after(0) }],
      },
      seen: { rrset: { ...blue, ttlSeconds: 5 } },
    },
    { waits: { 'new-ttl': 7 }, before: [] },
  ],
  [
    'somebody has shortened it, nobody knows when: as if just now',
    { recorded: { rrset: blue }, seen: { rrset: { ...blue, ttlSeconds: 5 } } },
    { waits: { 'old-ttl': 62, 'new-ttl': 7 }, before: [] },
  ],
  [
    'a revert does not wait before it, but after it',
    {
      recorded: { rrset: blue },
      seen: { rrset: { ...blue, ttlSeconds: 5 } },
      found: { blue: '1.0.0', green: '2.0.0' },
      revert: true,
    },
    { waits: { 'new-ttl': 62 }, before: [] },
  ],
  [
    'a run that was given up has switched to blue 20 s ago: green is left until nobody is led there',
    {
      recorded: { rrset: { ...blue, ttlSeconds: 5 }, remembered: [{ rrset: green, until: after(40) }] },
      seen: { rrset: { ...blue, ttlSeconds: 5 } },
    },
    { waits: { 'old-ttl': 42, 'new-ttl': 7 }, before: ['old-ttl'] },
  ],
  [
    'the same in a revert, which has to replace green: it waits as well',
    {
      recorded: { rrset: { ...blue, ttlSeconds: 5 }, remembered: [{ rrset: green, until: after(40) }] },
      seen: { rrset: { ...blue, ttlSeconds: 5 } },
      revert: true,
    },
    { waits: { 'old-ttl': 42, 'new-ttl': 42 }, before: ['old-ttl'] },
  ],
  [
    'somebody has removed the record: those who remember it, and those who remember that it is gone',
    { recorded: { rrset: blue }, seen: { rrset: null }, found: { blue: '2.0.0' } },
    { waits: { 'new-name': 62 }, before: [] },
  ],
])('%s', ([, past, expected]) => {
  expect(waitsOf(past)).toEqual(expected);
});

test('the proof refuses a plan that changes a slot which resolvers still lead to', () => {
  const declared = declareNamed(shop);
  const observations = withRecord(seenNamed(shop, { blue: '1.0.0', green: '0.9.0' }, 'blue'), shop, {
    rrset: blue,
  });
  const recorded = { ...emptyRecord(''), ...recordedNamed([shop], { A: { rrset: green } }) };
  const { steps } = planOf({ declared, observations, recorded });
  const situation = situate(shop, {
    declared,
    world: new World({ observations, notes: [] }),
    recorded,
    now,
    intent: { kind: 'apply' },
    writtenPools: new Set(),
    estimate: () => 1,
  });
  const codesOf = (each: Plan['steps']): readonly string[] => [
    ...new Set(prove(each, [situation]).violations.map(({ code }) => code)),
  ];
  expect(codesOf(steps)).toEqual([]);
  const hasty = steps.map((step) =>
    step.id.endsWith('/stop')
      ? { ...step, needs: step.needs.filter((id) => !id.endsWith('/name/old-ttl')) }
      : step,
  );
  expect(codesOf(hasty)).toEqual(['unverified-traffic']);
});
