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

/**
 * The steps that nothing else of the list waits for. Here and below, lists of needs that are one and the same array
 * are gone through once: where a batch of a thousand hosts waits for a thousand uploads, that is a million needs.
 */
export function lastOf(steps: readonly Step[]): readonly StepId[] {
  const lists = new Set(steps.map((step) => step.needs));
  const needed = new Set([...lists].flatMap((needs) => needs));
  return steps.filter((step) => !needed.has(step.id)).map((step) => step.id);
}

/** Steps that wait for the same. */
interface Group {
  readonly steps: Step[];
  /** How many of their needs are not done. */
  left: number;
  /** The longest way to them. */
  level: number;
}

/** A topological order in which the steps of one phase stand together wherever their needs allow it. */
export function orderSteps(steps: readonly Step[]): readonly Step[] {
  const rank = new Map<string, number>();
  for (const step of steps) if (!rank.has(step.phase.key)) rank.set(step.phase.key, rank.size);
  const place = new Map(steps.map((step, index) => [step, index]));
  const groups = new Map<readonly StepId[], Group>();
  const followers = new Map<StepId, Group[]>();
  for (const step of steps) {
    const known = groups.get(step.needs);
    if (known !== undefined) {
      known.steps.push(step);
      continue;
    }
    const group: Group = { steps: [step], left: step.needs.length, level: 0 };
    groups.set(step.needs, group);
    for (const need of step.needs) {
      const waiting = followers.get(need);
      if (waiting === undefined) followers.set(need, [group]);
      else waiting.push(group);
    }
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
    const freed: Step[] = [];
    for (const group of followers.get(step.id) ?? []) {
      group.level = Math.max(group.level, own + 1);
      group.left -= 1;
      if (group.left > 0) continue;
      for (const follower of group.steps) level.set(follower.id, group.level);
      freed.push(...group.steps);
    }
    ready.push(...freed.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0)));
  }
  const position = (step: Step): number => depth.get(step.phase.key) ?? 0;
  const sorted = ordered.toSorted(
    (a, b) => position(a) - position(b) || (rank.get(a.phase.key) ?? 0) - (rank.get(b.phase.key) ?? 0),
  );
  return respectsNeeds(sorted) ? sorted : ordered;
}

function respectsNeeds(steps: readonly Step[]): boolean {
  const done = new Set<StepId>();
  const met = new Set<readonly StepId[]>();
  return steps.every((step) => {
    const holds = met.has(step.needs) || step.needs.every((need) => done.has(need));
    met.add(step.needs);
    done.add(step.id);
    return holds;
  });
}
