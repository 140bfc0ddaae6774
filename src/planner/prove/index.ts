/** Proves a plan from its steps, before anything runs. */
import { type Diagnostic, hostOf, type Proof, type Step } from '../../model/index.ts';
import { isRouted, type Situation } from '../../strategies/situation.ts';
import { proveCapacity } from './capacity.ts';
import { findUnordered } from './chains.ts';
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
  const unordered = models.flatMap((model) => findUnordered(model, order));
  const capacities = models.map((model) => proveCapacity(model, order));
  const wayBack = proveWayBack(steps);
  return {
    proof: {
      capacity: capacities.flatMap(({ capacity }) => capacity ?? []),
      trafficOnlyToVerified: true,
      noWayBackAfter: wayBack.noWayBackAfter,
      blastRadius: blastRadius(steps, models),
    },
    violations: [...unordered, ...capacities.flatMap(({ violations }) => violations), ...wayBack.violations],
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
  const { operation } = step;
  const main = mainSlot(model.atStart);
  if (main === undefined) return 0;
  for (const { switches, routed } of model.routes) {
    const index = switches.indexOf(step);
    const [before, after] = [routed[index], routed[index + 1]];
    if (index >= 0 && before !== undefined && after !== undefined) return moved(before, after);
  }
  const takesOut =
    (operation.op === 'member.set' && operation.to !== 'ready') ||
    (operation.op === 'process.set' && operation.to === null && !isRouted(model.situation));
  return takesOut ? Math.ceil(100 / Math.max(1, main.instances.length)) : 0;
}

/** Whole percent of the requests that go elsewhere than before. */
const moved = (before: Routed, after: Routed): number =>
  Math.round(
    100 * [...after].reduce((sum, [slot, share]) => sum + Math.max(0, share - (before.get(slot) ?? 0)), 0),
  );
