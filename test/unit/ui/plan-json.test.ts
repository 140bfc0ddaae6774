import { expect, test } from 'vitest';
import type { Plan, StepId } from '../../../src/model/index.ts';
import { asAddress } from '../../../src/model/index.ts';
import { planJson } from '../../../src/ui/plan-json.ts';
import { printableJson } from '../../../src/ui/printable.ts';
import { planWith, proofOf, routeDrift, unreachableHost, updatePlan } from '../../rig/sample-plans.ts';

const written = (plan: Plan) => JSON.parse(printableJson(planJson(plan)));

test('the document has the documented fields, in snake case, with times in UTC', () => {
  const json = written(updatePlan({ drift: [routeDrift], held: [unreachableHost] }));
  expect(json).toMatchObject({
    format_version: '1.0',
    environment: 'prod',
    state_serial: 41,
    created_at: '2026-11-20T14:03:00.000Z',
    drift: [{ address: 'load_balancer.edge.route["shop"]', before: { share: 0 }, after: { share: 10 } }],
    held: [{ code: 'host-unreachable', severity: 'error' }],
    proof: {
      min_in_service: { floor: 3, lowest: 3, at_step: null },
      blast_radius: { services: 1, hosts: 3, share_percent: 100 },
      rollback: 'at every step',
    },
    summary: { create: 0, update: 4, replace: 0, remove: 0 },
  });
  expect(json.changes[0]).toMatchObject({
    action: 'update',
    because: 'release.shop is 2.0.0',
    declared_at: { filename: 'prod/release.hcl', line: 3 },
  });
  expect(JSON.stringify(json)).not.toMatch(/"[a-z]+[A-Z][A-Za-z]*":/);
});

test('every step says what it needs and how it is undone, and no step has its bytes', () => {
  const { steps } = written(updatePlan());
  const known = new Set(steps.map(({ id }: { id: string }) => id));
  for (const step of steps) {
    expect(step.needs.every((id: string) => known.has(id))).toBe(true);
    expect(step.inverse.kind).toMatch(/^(operation|nothing|irreversible)$/);
    expect(step).not.toHaveProperty('operation');
  }
  expect(steps.at(-1)).toMatchObject({
    op: 'release.prune',
    host: 'web-3',
    inverse: { kind: 'irreversible' },
  });
});

test('of several services the one nearest to its floor stands for all', () => {
  const plan = updatePlan();
  const proof = {
    ...proofOf(plan.steps, 3),
    capacity: [
      { service: asAddress('service.a'), hosts: 10, floor: 5, lowest: 9, atStep: undefined },
      { service: asAddress('service.b'), hosts: 4, floor: 3, lowest: 3, atStep: 'x' as StepId },
    ],
    noWayBackAfter: ['x' as StepId],
  };
  expect(written({ ...plan, proof }).proof).toMatchObject({
    min_in_service: {
      floor: 3,
      lowest: 3,
      at_step: 'x',
      services: [{ service: 'service.b' }, { service: 'service.a' }],
    },
    rollback: ['x'],
  });
});

test('a plan without services behind a balancer claims no capacity', () => {
  const plan = planWith();
  const json = written({ ...plan, proof: { ...plan.proof, capacity: [] } });
  expect(json.proof.min_in_service).toEqual({ floor: null, lowest: null, at_step: null, services: [] });
});

test('JSON carries hostile text unchanged, and not raw', () => {
  const evil = '\u001b[2J\u009b\u202e';
  const text = printableJson(planJson(updatePlan({ environment: evil })));
  expect(JSON.parse(text).environment).toBe(evil);
  expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});
