/** The proofs are worth something only if they object: each row breaks a good plan in one way, and says what must be found. */
import { describe, expect, test } from 'vitest';
import {
  asAddress,
  emptyRecord,
  type Operation,
  type Plan,
  type Step,
  type StepId,
} from '../../../src/model/index.ts';
import { prove } from '../../../src/planner/prove/index.ts';
import { situate, World } from '../../../src/planner/situate.ts';
import { planOf } from '../../rig/planning.ts';
import { declare, inPlace, look, seen, service } from '../../rig/worlds.ts';

const shop = service();
const blueGreen = {
  declared: declare([shop], 75),
  observations: seen(shop, { blue: '1.0.0', green: '0.9.0' }, 'blue'),
};
const single = service({ strategy: inPlace, hosts: ['web-1', 'web-2', 'web-3', 'web-4'] });
const rolling = { declared: declare([single], 75), observations: seen(single, { main: '1.0.0' }, 'main') };

type Broken = (steps: readonly Step[]) => readonly Step[];

const without =
  (matches: (operation: Operation) => boolean): Broken =>
  (steps) => {
    const gone = new Map(
      steps.filter((step) => matches(step.operation)).map((step) => [step.id, step.needs]),
    );
    const bypass = (needs: readonly StepId[]): readonly StepId[] =>
      needs.flatMap((need) => (gone.has(need) ? bypass(gone.get(need) ?? []) : [need]));
    return steps.filter((step) => !gone.has(step.id)).map((step) => ({ ...step, needs: bypass(step.needs) }));
  };

const changed =
  (id: string, change: (step: Step) => Step): Broken =>
  (steps) => {
    expect(steps.some((step) => step.id === id)).toBe(true);
    return steps.map((step) => (step.id === id ? change(step) : step));
  };

const rows: readonly {
  readonly says: string;
  readonly world: typeof blueGreen;
  readonly broken: Broken;
  readonly finds: string;
}[] = [
  {
    says: 'a switch that does not wait for a host to be verified',
    world: blueGreen,
    broken: without((operation) => operation.op === 'health.verify' && operation.instance.includes('web-2')),
    finds: 'unverified-traffic',
  },
  {
    says: 'a switch that runs beside the starts',
    world: blueGreen,
    broken: changed('shop/green/switch', (step) => ({ ...step, needs: [] })),
    finds: 'unverified-traffic',
  },
  {
    says: 'a host that is stopped while it has traffic',
    world: rolling,
    broken: without(
      (operation) =>
        operation.op === 'member.set' && operation.to === 'drain' && operation.member === 'web-3',
    ),
    finds: 'unverified-traffic',
  },
  {
    says: 'a host that returns before it is verified',
    world: rolling,
    broken: without((operation) => operation.op === 'health.verify' && operation.instance.includes('web-1')),
    finds: 'unverified-traffic',
  },
  {
    says: 'a start that does not wait for what it starts',
    world: blueGreen,
    broken: changed('shop/green/web-2/start', ({ needs, ...step }) => ({
      ...step,
      needs: needs.filter((need) => need !== 'shop/green/web-2/install'),
    })),
    finds: 'steps-unordered',
  },
  {
    says: 'two hosts that leave at once where the floor leaves room for one',
    world: rolling,
    broken: changed('shop/main/web-2/remove', (step) => ({ ...step, needs: [] })),
    finds: 'below-floor',
  },
  {
    says: 'an inverse that leads elsewhere',
    world: blueGreen,
    broken: changed('shop/green/web-1/install', (step) => ({
      ...step,
      inverse:
        step.inverse.kind === 'operation' && step.inverse.operation.op === 'slot.link'
          ? { ...step.inverse, operation: { ...step.inverse.operation, to: '0.1.0-99999999' } }
          : step.inverse,
    })),
    finds: 'no-way-back',
  },
  {
    says: 'an inverse that undoes something else',
    world: blueGreen,
    broken: (steps) => {
      const other = steps.find((step) => step.id === 'shop/green/web-2/start');
      return changed('shop/green/web-1/start', (step) => ({
        ...step,
        inverse: other?.inverse ?? step.inverse,
      }))(steps);
    },
    finds: 'no-way-back',
  },
  {
    says: 'a step that begins from what no step left',
    world: blueGreen,
    broken: changed('shop/green/switch', (step) => ({
      ...step,
      operation:
        step.operation.op === 'route.set'
          ? { ...step.operation, from: { runtime: null, persisted: null } }
          : step.operation,
    })),
    finds: 'no-way-back',
  },
];

function proved(world: typeof blueGreen, steps: Plan['steps']) {
  const surroundings = {
    declared: world.declared,
    world: new World(look(world.observations)),
    recorded: emptyRecord(''),
    intent: { kind: 'apply' as const },
    writtenPools: new Set([asAddress('')]),
    estimate: () => 1,
  };
  return prove(
    steps,
    world.declared.services.map((each) => situate(each, surroundings)),
  );
}

describe('the proof', () => {
  test.for([
    ['blue-green', blueGreen],
    ['in place', rolling],
  ] as const)('accepts %s as it is planned', ([, world]) => {
    expect(proved(world, planOf(world).steps).violations).toEqual([]);
  });

  test.for(rows)('objects to $says', ({ world, broken, finds }) => {
    const { violations } = proved(world, broken(planOf(world).steps));
    expect(violations.map(({ code }) => code)).toContain(finds);
  });

  test('names the step from which there is no way back', () => {
    const { steps } = planOf(blueGreen);
    const broken = changed('shop/green/web-1/stop', (step) => ({
      ...step,
      inverse: { kind: 'irreversible', because: 'the old release is gone' },
    }))(steps);
    expect(proved(blueGreen, broken).proof.noWayBackAfter).toEqual(['shop/green/web-1/stop']);
  });
});
