/** Whose line of the plan it is, where several services have lines that would read the same. */
import type { Address, ServiceDeclared, Step } from '../model/index.ts';

/**
 * The same steps; in a plan of several services each line that does not name its service by itself begins with it. Units,
 * pools and records do: they are called after their service.
 */
export function tellServices(steps: readonly Step[], services: readonly ServiceDeclared[]): readonly Step[] {
  const names = new Map<Address | undefined, string>(services.map(({ address, name }) => [address, name]));
  if (new Set(steps.map(({ service }) => service).filter((each) => each !== undefined)).size < 2)
    return steps;
  return steps.map((step) => {
    const name = names.get(step.service);
    if (name === undefined || !nameless.has(step.operation.op)) return step;
    return { ...step, phase: { ...step.phase, title: `${name}: ${step.phase.title}` } };
  });
}

const nameless: ReadonlySet<Step['operation']['op']> = new Set([
  'slot.link',
  'health.verify',
  'hook.run',
  'release.prune',
  'record.expire',
  'bake',
  'approval',
]);
