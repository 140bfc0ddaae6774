/** How long a step takes: the median of earlier runs, else a careful guess. */
import type { OperationName } from '../model/index.ts';

/** Seconds, by verb. Guesses for a fast network and a service that starts quickly; runs replace them. */
const guesses: Readonly<Record<string, number>> = {
  upload: 3,
  hook: 2,
  install: 0.3,
  stop: 1,
  start: 1,
  verify: 1,
  settle: 2,
  drain: 1,
  remove: 0.1,
  return: 3,
  switch: 0.1,
  share: 0.2,
  withdraw: 0.1,
  name: 0.2,
  converge: 1,
  resolve: 2,
  configure: 2,
  prune: 0.5,
};

/** The journal tells times by operation; a start and a stop are one there. */
const operationOf: Readonly<Record<string, OperationName>> = {
  upload: 'release.put',
  hook: 'hook.run',
  install: 'slot.link',
  stop: 'process.set',
  start: 'process.set',
  verify: 'health.verify',
  settle: 'pool.settle',
  drain: 'pool.drain',
  remove: 'member.set',
  return: 'member.set',
  switch: 'route.set',
  share: 'route.set',
  withdraw: 'route.set',
  name: 'record.set',
  converge: 'record.converge',
  resolve: 'pool.resolve',
  configure: 'balancer.configure',
  prune: 'release.prune',
};

/** `durations` are seconds by operation, as the state store keeps them. */
export const estimateFrom =
  (durations: Readonly<Record<string, readonly number[]>>) =>
  (verb: string): number => {
    const seen = (durations[operationOf[verb] ?? verb] ?? []).toSorted((a, b) => a - b);
    return seen[Math.floor(seen.length / 2)] ?? guesses[verb] ?? 1;
  };
