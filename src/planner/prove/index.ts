/** Proves a plan from its steps, before anything runs. */
import { type Diagnostic, hostOf, type Proof, type Step } from '../../model/index.ts';
import type { Situation } from '../../strategies/situation.ts';
import { proveCapacity } from './capacity.ts';
import { OrderOfEvents } from './order-of-events.ts';
import { mainSlot, modelOf, type Routed, type ServiceModel } from './service-model.ts';
import { proveWayBack } from './way-back.ts';

export interface Proved {
  readonly proof: Proof;
  /** Any of them refuses the plan. */
  readonly violations: readonly Diagnostic[];
}

/** The steps stand in an order in which needs come first. */
export function prove(steps: readonly Step[], situations: readonly Situation[]): Proved {
  const order = new OrderOfEvents(steps);
  const models = situations.map((situation) => modelOf(situation, steps));
  const capacities = models.map((model) => proveCapacity(model, order));
  const wayBack = proveWayBack(steps);
  return {
    proof: {
      capacity: capacities.flatMap(({ capacity }) => capacity ?? []),
      trafficOnlyToVerified: true,
      noWayBackAfter: wayBack.noWayBackAfter,
      blastRadius: blastRadius(steps, models),
    },
    violations: [...capacities.flatMap(({ violations }) => violations), ...wayBack.violations],
  };
}

/** The most that one step can do to users. A switch moves all; a member that leaves moves its part. */
function blastRadius(steps: readonly Step[], models: readonly ServiceModel[]): Proof['blastRadius'] {
  const hosts = new Set(steps.flatMap((step) => hostOf(step.operation) ?? []));
  hosts.delete('operator');
  let share = 0;
  let atStep: Step | undefined;
  for (const model of models) {
    for (const step of model.steps) {
      const moved = shareMovedBy(model, step);
      if (moved > share) {
        share = moved;
        atStep = step;
      }
    }
  }
  return {
    services: models.filter((model) => model.steps.length > 0).length,
    hosts: hosts.size,
    share,
    atStep: atStep?.id,
  };
}

function shareMovedBy(model: ServiceModel, step: Step): number {
  const [initial] = model.routed;
  const main = mainSlot(initial);
  if (initial === undefined || main === undefined) return 0;
  if (step.operation.op === 'route.set') {
    const index = model.switches.indexOf(step);
    return moved(model.routed[index] ?? initial, model.routed[index + 1] ?? initial);
  }
  const takesOut =
    (step.operation.op === 'member.set' && step.operation.to !== 'ready') ||
    (step.operation.op === 'process.set' &&
      step.operation.to === null &&
      model.situation.traffic === undefined);
  return takesOut ? Math.ceil(100 / Math.max(1, main.instances.length)) : 0;
}

/** Whole percent of the requests that go elsewhere than before. */
const moved = (before: Routed, after: Routed): number =>
  Math.round(
    100 * [...after].reduce((sum, [slot, share]) => sum + Math.max(0, share - (before.get(slot) ?? 0)), 0),
  );
