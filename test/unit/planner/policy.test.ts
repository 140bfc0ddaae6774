/** What a policy says of a plan, at a given time and to a given person. */
import { describe, expect, test } from 'vitest';
import {
  asInstant,
  type Declared,
  type Diagnostic,
  type Intent,
  type PolicyDeclared,
} from '../../../src/model/index.ts';
import { type FailedRelease, warnOfFailed } from '../../../src/planner/failed-releases.ts';
import { policyRefusals } from '../../../src/planner/policy.ts';
import { utcText } from '../../../src/planner/utc-text.ts';
import { planOf } from '../../rig/planning.ts';
import { declare, now, seen, service } from '../../rig/worlds.ts';

const shop = service();
const serving = seen(shop, { blue: '1.0.0', green: '0.9.0' }, 'blue');
const hourMs = 3_600_000;

function under(policy: Partial<PolicyDeclared>): Declared {
  const declared = declare([shop]);
  return { ...declared, policy: { ...declared.policy, ...policy } };
}

const codes = (diagnostics: readonly Diagnostic[]): readonly string[] => diagnostics.map(({ code }) => code);
const revert: Intent = { kind: 'revert', to: 1, services: [] };
const applying = { now, who: 'kim@laptop', isSaved: false };

describe('max_share_step', () => {
  test.for([
    { what: 'a switch of all traffic', most: 50, observations: serving, holds: true },
    { what: 'a switch that may be whole', most: 100, observations: serving, holds: false },
    { what: 'a first deployment', most: 50, observations: seen(shop, {}, undefined), holds: false },
  ])('of $most: $what', ({ most, observations, holds }) => {
    const plan = planOf({ declared: under({ maxShareStepPercent: most }), observations });
    expect(codes(plan.held)).toEqual(holds ? ['policy-max-share-step'] : []);
    expect(plan.steps.length).toBeGreaterThan(0);
  });

  test('says which step moves how much', () => {
    const plan = planOf({ declared: under({ maxShareStepPercent: 50 }), observations: serving });
    expect(plan.held[0]?.detail).toBe(
      '"switch edge: shop_blue -> shop_green" moves 100% of the requests of service.shop; max_share_step is 50.',
    );
  });

  test('does not stand in the way back', () => {
    const plan = planOf({
      declared: under({ maxShareStepPercent: 1 }),
      observations: serving,
      intent: revert,
    });
    expect(plan.held).toEqual([]);
  });
});

describe('a freeze', () => {
  const freezes = [{ from: now, until: asInstant(now + hourMs), reason: 'holidays' }];
  const plan = planOf({ declared: under({ freezes }), observations: serving });

  test('is said with the plan, and the plan is not held: it may be applied afterwards', () => {
    expect(plan.warnings).toMatchObject([
      {
        code: 'policy-freeze',
        severity: 'warning',
        detail: 'prod is frozen until 2026-11-20 15:01 UTC: holidays. This plan cannot be applied before.',
      },
    ]);
    expect(plan.held).toEqual([]);
  });

  test.for([
    { when: 'a moment before', at: -1, refused: false },
    { when: 'at its beginning', at: 0, refused: true },
    { when: 'a moment before its end', at: hourMs - 1, refused: true },
    { when: 'at its end', at: hourMs, refused: false },
  ])('refuses an apply $when: $refused', ({ at, refused }) => {
    const refusals = policyRefusals(plan, { ...applying, now: asInstant(now + at) });
    expect(codes(refusals)).toEqual(refused ? ['policy-freeze'] : []);
  });

  test('leaves the way back open', () => {
    const back = planOf({ declared: under({ freezes }), observations: serving, intent: revert });
    expect(back.warnings).toEqual([]);
    expect(policyRefusals(back, applying)).toEqual([]);
  });
});

describe('approvals', () => {
  const declared = under({ approvals: 2, allowedSigners: '/project/allowed_signers' });
  const plan = planOf({ declared, observations: serving });

  test('are said with the plan, and refuse one that is not saved', () => {
    expect(codes(plan.warnings)).toEqual(['policy-approvals']);
    expect(policyRefusals(plan, applying)).toMatchObject([
      {
        code: 'policy-approvals',
        hint: expect.stringContaining('deployctl approve p.plan'),
      },
    ]);
    expect(policyRefusals(plan, { ...applying, isSaved: true })).toEqual([]);
  });

  test('are not asked of a way back, nor of a plan without steps', () => {
    expect(policyRefusals(planOf({ declared, observations: serving, intent: revert }), applying)).toEqual([]);
    const nothing = planOf({
      declared,
      observations: seen(shop, { green: '2.0.0', blue: '1.0.0' }, 'green'),
    });
    expect(nothing.steps).toEqual([]);
    expect([...nothing.warnings, ...policyRefusals(nothing, applying)]).toEqual([]);
  });
});

test.for([
  { actors: ['kim'], who: 'kim@laptop', may: true },
  { actors: ['kim@ci-1'], who: 'kim@laptop', may: false },
  { actors: ['kim@ci-1', 'kim@laptop'], who: 'kim@laptop', may: true },
  { actors: ['kim'], who: 'kimberly@laptop', may: false },
  { actors: [], who: 'kim@laptop', may: false },
])('actors $actors: $who may apply: $may', ({ actors, who, may }) => {
  const plan = planOf({ declared: under({ actors }), observations: serving });
  expect(codes(policyRefusals(plan, { ...applying, who }))).toEqual(may ? [] : ['policy-actors']);
});

describe('a release that failed here', () => {
  const failed = {
    service: shop.address,
    directory: '2.0.0-22222222',
    run: 7,
    at: now,
    who: 'lee@laptop',
    outcome: 'reverted',
    why: 'The service did not become healthy in time.',
  } as const satisfies FailedRelease;
  const { steps, declared } = planOf({ declared: under({}), observations: serving });

  test('is named with the run, the time and the reason when it is planned again', () => {
    expect(warnOfFailed(declared.services, steps, [failed])).toMatchObject([
      {
        code: 'release-failed-before',
        severity: 'warning',
        detail:
          'shop 2.0.0 was taken back by run 7 (2026-11-20 14:01 UTC, lee@laptop): The service did not become healthy in time.',
        hint: expect.stringContaining('deployctl show ENV 7'),
      },
    ]);
  });

  test('is no reason to warn of another content, nor where nothing would be done', () => {
    expect(warnOfFailed(declared.services, steps, [{ ...failed, directory: '2.0.0-33333333' }])).toEqual([]);
    expect(warnOfFailed(declared.services, [], [failed])).toEqual([]);
  });
});

test('moments are the ones that Date knows', () => {
  for (let at = Date.UTC(1999, 11, 30); at < Date.UTC(2101, 2, 3); at += 61 * hourMs + 7 * 60_000) {
    const expected = new Date(at).toISOString();
    expect(utcText(asInstant(at))).toBe(`${expected.slice(0, 10)} ${expected.slice(11, 16)} UTC`);
  }
});
