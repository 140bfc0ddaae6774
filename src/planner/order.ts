/** Orders the steps so that needs come first and lines of the plan stay together. */
import type { Declared, ServiceDeclared, Step, StepId } from '../model/index.ts';

/** Services after those that they depend on; names decide where nothing else does. The configuration has no cycles. */
export function orderServices(declared: Declared): readonly ServiceDeclared[] {
  const ordered: ServiceDeclared[] = [];
  const visit = (service: ServiceDeclared): void => {
    if (ordered.includes(service)) return;
    for (const address of service.dependsOn) {
      const needed = declared.services.find((each) => each.address === address);
      if (needed !== undefined) visit(needed);
    }
    ordered.push(service);
  };
  for (const service of declared.services.toSorted((a, b) => (a.name < b.name ? -1 : 1))) visit(service);
  return ordered;
}

/** Gives every step that needs nothing of its own the given needs: it then waits for another service, or a hook. */
export function startAfter(steps: readonly Step[], needs: readonly StepId[]): readonly Step[] {
  return needs.length === 0
    ? steps
    : steps.map((step) => (step.needs.length === 0 ? { ...step, needs } : step));
}

/** The steps that nothing else of the list waits for. */
export function lastOf(steps: readonly Step[]): readonly StepId[] {
  const needed = new Set(steps.flatMap((step) => step.needs));
  return steps.filter((step) => !needed.has(step.id)).map((step) => step.id);
}

/** A topological order in which the steps of one phase stand together wherever their needs allow it. */
export function orderSteps(steps: readonly Step[]): readonly Step[] {
  const rank = new Map<string, number>();
  for (const step of steps) if (!rank.has(step.phase.key)) rank.set(step.phase.key, rank.size);
  const waiting = new Map(steps.map((step) => [step.id, step.needs.length]));
  const followers = new Map<StepId, Step[]>();
  for (const step of steps) {
    for (const need of step.needs) followers.set(need, [...(followers.get(need) ?? []), step]);
  }
  // Depth first decides the rank of a phase: the longest way to any of its steps.
  const depth = new Map<string, number>();
  const ready: Step[] = steps.filter((step) => step.needs.length === 0);
  const ordered: Step[] = [];
  const level = new Map<StepId, number>();
  for (const step of ready) level.set(step.id, 0);
  for (let index = 0; index < ready.length; index++) {
    const step = ready[index] as Step;
    const own = level.get(step.id) ?? 0;
    depth.set(step.phase.key, Math.max(depth.get(step.phase.key) ?? 0, own));
    ordered.push(step);
    for (const follower of followers.get(step.id) ?? []) {
      level.set(follower.id, Math.max(level.get(follower.id) ?? 0, own + 1));
      const left = (waiting.get(follower.id) ?? 0) - 1;
      waiting.set(follower.id, left);
      if (left === 0) ready.push(follower);
    }
  }
  const position = (step: Step): number => depth.get(step.phase.key) ?? 0;
  const sorted = ordered.toSorted(
    (a, b) => position(a) - position(b) || (rank.get(a.phase.key) ?? 0) - (rank.get(b.phase.key) ?? 0),
  );
  return respectsNeeds(sorted) ? sorted : ordered;
}

function respectsNeeds(steps: readonly Step[]): boolean {
  const done = new Set<StepId>();
  return steps.every((step) => {
    const holds = step.needs.every((need) => done.has(need));
    done.add(step.id);
    return holds;
  });
}
