/** One seed: a world, its plan, a walk through it in a random order, cut anywhere, and the way back. */
import { type ServiceDeclared, sameValue } from '../../src/model/index.ts';
import { planOf } from '../rig/planning.ts';
import { Random } from '../rig/random.ts';
import { Walk } from './plan-walk.ts';
import { type PlannedWorld, worldOf } from './worlds-of-plans.ts';

export interface SeedResult {
  /** What does not hold, as sentences; empty: all does. */
  readonly problems: readonly string[];
  readonly steps: number;
  readonly isHeld: boolean;
}

/** The planner refuses its own plan: safe, and wrong all the same. */
const isBug: ReadonlySet<string> = new Set(['no-way-back', 'unverified-traffic', 'below-floor']);

/** With requests on both sides, neither of which may be able to bear the whole, there need not be a good plan. */
const isTorn = ({ observations }: PlannedWorld): boolean =>
  observations.some(
    (each) =>
      each.kind === 'route' && each.status === 'present' && (each.spec.runtime?.canaryBasisPoints ?? 0) > 0,
  );

export function walkPlan(seed: number): SeedResult {
  const random = new Random(seed);
  const world = worldOf(random);
  const plan = planOf(world);
  if (plan.held.some(({ severity }) => severity === 'error')) {
    const bugs = plan.held.filter(
      ({ code }) => isBug.has(code) && !(code === 'below-floor' && isTorn(world)),
    );
    return { problems: bugs.map(({ detail }) => detail), steps: 0, isHeld: true };
  }
  const { steps } = plan;
  const floor = world.declared.policy.minInServicePercent;
  const walk = new Walk(world.service, world.observations, floor);
  const start = walk.snapshot();
  const cut = random.chance(0.3) ? steps.length : random.between(0, steps.length);
  const done = walk.perform(steps, random, cut);
  if (cut === steps.length && steps.length > 0) checkEnd(walk, world.service, walk.problems);
  walk.undo(done);
  if (!sameValue(walk.snapshot(), start)) walk.problems.push('the way back does not lead to the start');
  return { problems: walk.problems, steps: steps.length, isHeld: false };
}

/** All of the requests go to the release that was wanted, on every host. */
function checkEnd(walk: Walk, service: ServiceDeclared, problems: string[]): void {
  const { route, instances } = walk.snapshot() as {
    route: { stable: string; canary: string; canaryBasisPoints: number } | null;
    instances: readonly { address: string; running: { release: string } | null }[];
  };
  if (route === null || route.stable !== route.canary || route.canaryBasisPoints !== 0) {
    problems.push('the run ends with a part of the requests somewhere else');
    return;
  }
  const slot = service.slots.find((each) => `${service.name}_${each.name}` === route.stable);
  for (const each of slot?.instances ?? []) {
    const running = instances.find(({ address }) => address === each.address)?.running;
    if (running?.release.startsWith(service.release.version) !== true)
      problems.push(`${each.address} has traffic and not the release`);
  }
}
