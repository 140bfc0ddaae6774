/**
 * Most operations happen whole or not at all. Two touch a running value and a stored one, so a run that was killed
 * between them leaves neither what the plan saw nor what it wanted. Such a middle is not somebody else's change: it is
 * taken as the value to start from.
 */
import { type Operation, type RecordedResource, type RouteValue, sameValue } from '../model/index.ts';

/**
 * The same operation `from` what is seen now, if that is a middle which this very operation can leave when it is cut
 * short; undefined: it is not, so somebody else was here.
 */
export function fromHalfway(operation: Operation, seen: readonly RecordedResource[]): Operation | undefined {
  if (operation.op === 'route.set') {
    const now = seen.find((each) => each.kind === 'route')?.spec;
    if (now === undefined || now === null) return undefined;
    const own = (value: RouteValue | null, from: RouteValue | null): boolean =>
      sameValue(value, from) || sameValue(value, operation.to);
    const { runtime, persisted } = operation.from;
    const values = [now.runtime, ...now.disagreeing.map((each) => each.value)];
    const isMiddle = values.every((value) => own(value, runtime)) && own(now.persisted, persisted);
    return isMiddle ? { ...operation, from: now } : undefined;
  }
  if (operation.op === 'balancer.configure') {
    const now = seen.find((each) => each.kind === 'balancer_config')?.spec;
    return now?.text === operation.to && now?.loaded === false ? { ...operation, from: now.text } : undefined;
  }
  return undefined;
}
