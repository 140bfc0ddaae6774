import { describe, expect, test } from 'vitest';
import {
  asAddress,
  type Operation,
  type ServiceDeclared,
  type Step,
  type Traits,
} from '../../../src/model/index.ts';
import { holdImpossible, warnOfCosts } from '../../../src/planner/abilities.ts';

const edge = asAddress('load_balancer.edge');
const able: Traits = {
  switchCost: undefined,
  shareStepBasisPoints: 1,
  drainsMembers: true,
  writesPools: true,
  countsRequests: true,
};
const unable: Traits = { ...able, shareStepBasisPoints: 100, drainsMembers: false, countsRequests: false };
const origin = {
  file: 'shop.hcl',
  start: { line: 1, column: 1, byte: 0 },
  end: { line: 1, column: 1, byte: 0 },
};
const route = (canaryBasisPoints: number): Operation => ({
  op: 'route.set',
  balancer: edge,
  route: 'shop',
  from: { runtime: null, persisted: null },
  to: { stable: 'a', canary: 'b', canaryBasisPoints },
});
const member: Operation = {
  op: 'member.set',
  balancer: edge,
  pool: 'a',
  member: 'web-1',
  from: 'ready',
  to: 'drain',
};
const whole: Operation = { op: 'pool.drain', balancer: edge, pool: 'a', withinMs: 1 };

const codes = (operation: Operation, traits: Traits, strategy: Partial<ServiceDeclared['strategy']> = {}) =>
  holdImpossible(
    {
      address: asAddress('service.shop'),
      strategy: { kind: 'in_place', origin, ...strategy },
    } as ServiceDeclared,
    [{ operation } as Step, { operation } as Step],
    new Map([[edge, traits]]),
  ).map(({ code }) => code);

describe('what a balancer cannot do is held before anything is done', () => {
  const judged = {
    kind: 'canary' as const,
    analysis: [{ kind: 'load_balancer' }],
  } as unknown as ServiceDeclared['strategy'];
  test.for([
    ['a member of its own', member, {}, ['balancer-members-fixed']],
    ['one member drained', { ...whole, member: 'web-1' }, {}, ['balancer-members-fixed']],
    ['a whole pool drained', whole, {}, []],
    ['a share in whole percents', route(500), {}, []],
    ['a share between them', route(550), {}, ['balancer-share-too-fine']],
    ['a canary that its counters are to judge', route(500), judged, ['balancer-counts-nothing']],
  ] as const)('%s', ([, operation, strategy, expected]) => {
    expect(codes(operation, unable, strategy)).toEqual(expected);
    expect(codes(operation, able, strategy)).toEqual([]);
  });
});

test('what moving traffic costs is said once for each balancer that is told, with how often', () => {
  const cost = { each: 'it reloads, which closes connections', instead: 'Use flags.' };
  const told = [route(0), route(500)].map((operation) => ({ operation }) as Step);
  const warnings = warnOfCosts(told, new Map([[edge, { ...able, switchCost: cost }]]));
  expect(warnings).toMatchObject([
    {
      code: 'switch-costs',
      severity: 'warning',
      detail:
        'load_balancer.edge is told 2 times in this plan, and each time it reloads, which closes connections.',
      hint: 'Use flags.',
    },
  ]);
  expect(warnOfCosts(told, new Map([[edge, able]]))).toEqual([]);
  expect(warnOfCosts([], new Map([[edge, { ...able, switchCost: cost }]]))).toEqual([]);
});
