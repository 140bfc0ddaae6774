/**
 * From every prefix the inverses lead back to the start: proved by running the steps forward over a model of what they
 * change, and then back.
 */
import {
  type Diagnostic,
  type Operation,
  recordMovesOf,
  type Step,
  type StepId,
  sameValue,
  unreachable,
} from '../../model/index.ts';

export interface WayBack {
  readonly noWayBackAfter: readonly StepId[];
  readonly violations: readonly Diagnostic[];
}

export function proveWayBack(steps: readonly Step[]): WayBack {
  const world = new Map<string, unknown>();
  const violations: Diagnostic[] = [];

  for (const step of steps) {
    for (const move of movesOf(step.operation)) {
      const found = world.has(move.what) ? world.get(move.what) : move.from;
      if (!sameValue(found, move.from))
        violations.push(inconsistent(step, `it begins from something that no step left`));
      world.set(move.what, move.to);
    }
  }

  for (const chain of chainsOf(steps).values()) {
    const start = chain[0]?.before;
    for (let length = 1; length <= chain.length; length += 1) {
      const stray = undoing(chain.slice(0, length), start);
      if (stray !== undefined) {
        violations.push(inconsistent(stray, 'its inverse does not lead back to where it began'));
        break;
      }
    }
  }

  for (const step of steps) {
    const missed = prunedButNeeded(step, steps);
    if (missed !== undefined)
      violations.push(inconsistent(missed, `${step.id} removes what it goes back to`));
  }

  return {
    noWayBackAfter: steps.filter(hasNoWayBack).map((step) => step.id),
    violations,
  };
}

interface Link {
  readonly step: Step;
  readonly before: unknown;
  readonly after: unknown;
  readonly what: string;
}

/** The moves of each thing, in their order. */
function chainsOf(steps: readonly Step[]): ReadonlyMap<string, readonly Link[]> {
  const chains = new Map<string, Link[]>();
  for (const step of steps) {
    for (const move of movesOf(step.operation)) {
      const chain = chains.get(move.what) ?? [];
      const last = chain.at(-1);
      const before = last === undefined ? move.from : last.after;
      chain.push({ step, before, after: move.to, what: move.what });
      chains.set(move.what, chain);
    }
  }
  return chains;
}

/**
 * Undoes the chain from its end. An inverse may lead back further than its own step went; the inverses before it then
 * find the thing where they would bring it. Gives the step whose inverse leads astray; undefined: all is as at the start.
 */
function undoing(chain: readonly Link[], start: unknown): Step | undefined {
  let now = chain.at(-1)?.after;
  for (const { step, before, what } of chain.toReversed()) {
    // What nothing undoes is told of elsewhere; beyond it the way back is cut off.
    if (step.inverse.kind !== 'operation') {
      now = before;
      continue;
    }
    const back = movesOf(step.inverse.operation).find((each) => each.what === what);
    if (back === undefined) return step;
    if (sameValue(now, back.to)) continue;
    if (!sameValue(now, back.from)) return step;
    now = back.to;
  }
  return sameValue(now, start) ? undefined : chain.at(-1)?.step;
}

/** The link that would go back to a release that this step removes. */
function prunedButNeeded({ operation }: Step, steps: readonly Step[]): Step | undefined {
  if (operation.op !== 'release.prune') return undefined;
  const { place } = operation;
  const removed = new Set(operation.directories.map(({ directory }) => directory));
  return steps.find(
    ({ operation: other }) =>
      other.op === 'slot.link' &&
      other.from !== null &&
      removed.has(other.from) &&
      other.place.host === place.host &&
      other.place.service === place.service,
  );
}

/** A move that nothing undoes closes the way back, unless the step says that nothing needs it. */
const hasNoWayBack = (step: Step): boolean => step.inverse.kind === 'irreversible';

interface Move {
  readonly what: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What an operation moves: one thing, or sets of a DNS name together; none for what moves nothing that a way back needs. */
function movesOf(operation: Operation): readonly Move[] {
  if (operation.op === 'record.set') {
    return recordMovesOf(operation).map(({ record, from, to }) => ({
      what: `record ${record.address}`,
      from,
      to,
    }));
  }
  const move = moveOf(operation);
  return move === undefined ? [] : [move];
}

function moveOf(operation: Exclude<Operation, { op: 'record.set' }>): Move | undefined {
  switch (operation.op) {
    case 'release.put':
      return { what: release(operation), from: 'not there', to: 'there' };
    case 'release.remove':
      return { what: release(operation), from: 'there', to: 'not there' };
    case 'slot.link':
      return { what: `link ${operation.instance}`, from: operation.from, to: operation.to };
    case 'process.set':
      return { what: `process ${operation.instance}`, from: operation.from, to: operation.to };
    case 'member.set':
      return {
        what: `member ${operation.balancer} ${operation.pool} ${operation.member}`,
        from: operation.from,
        to: operation.to,
      };
    case 'route.set': {
      // What a restart would bring follows the runtime; going back, both are what the runtime was.
      const from = operation.from.runtime ?? operation.from.persisted;
      return { what: `route ${operation.balancer} ${operation.route}`, from, to: operation.to };
    }
    case 'balancer.configure':
      return { what: `config ${operation.balancer}`, from: operation.from, to: operation.to };
    case 'health.verify':
    case 'hook.run':
    case 'release.prune':
    case 'pool.drain':
    case 'pool.settle':
    case 'pool.resolve':
    case 'record.converge':
    case 'record.expire':
    case 'bake':
    case 'approval':
      return undefined;
    default:
      return unreachable(operation);
  }
}

const release = (operation: Operation & { readonly op: 'release.put' | 'release.remove' }): string =>
  `release ${operation.place.service} ${operation.place.host} ${operation.directory}`;

const inconsistent = (step: Step, why: string): Diagnostic => ({
  code: 'no-way-back',
  severity: 'error',
  summary: 'The plan has no way back',
  detail: `Step ${step.id} cannot be undone safely: ${why}.`,
  hint: 'This is a mistake in the planner: please report it with the configuration. Nothing was changed.',
  address: step.address,
});
