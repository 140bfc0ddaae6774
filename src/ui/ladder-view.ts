/** The stages of a rollout while it runs: where each of them is, and what the balancer's counters showed in it. */
import type { Event, Instant, Plan, StepId } from '../model/index.ts';
import type { RunningStep } from './fold.ts';
import { type Ladder, laddersOf, type Rung } from './ladder.ts';
import { holdsText } from './ladder-text.ts';
import { printable } from './printable.ts';
import type { PoolView } from './traffic-view.ts';

export interface LadderView {
  /** What its stages are called: `canary`, or the service where there are several ladders. */
  readonly word: string;
  readonly kind: Ladder['kind'];
  readonly rungs: readonly RungView[];
  readonly sides: SideNames | undefined;
}

/** The pools of both sides, as {@link PoolView} names them. */
export interface SideNames {
  readonly balancer: string;
  readonly stable: string;
  readonly canary: string;
}

export interface RungView {
  readonly number: number;
  /** What the new release is to have, in whole percent. */
  readonly sharePercent: number;
  readonly hosts: readonly string[];
  readonly hostsTotal: number;
  readonly zone: string | undefined;
  /** `5 min, then until promoted`. */
  readonly holds: string;
  readonly total: number;
  readonly done: number;
  readonly undone: number;
  readonly failed: readonly StepId[];
  readonly running: readonly RunningStep[];
  readonly estimateSeconds: number;
  readonly startedAt: Instant | undefined;
  readonly endedAt: Instant | undefined;
  /** While its gates were open; undefined: they were not, or nobody counts. */
  readonly seen: Seen | undefined;
  readonly isOpen: boolean;
  readonly gates: ReadonlySet<StepId>;
}

/** Requests of both sides. */
export interface Seen {
  readonly canary: number;
  readonly canaryFailed: number;
  readonly stable: number;
  readonly stableFailed: number;
}

export interface RungPlace {
  readonly ladder: number;
  readonly rung: number;
}

/** The ladders at the start of a run, and which rung each step belongs to. */
export function startLadders(
  plan: Plan,
  done: ReadonlySet<StepId>,
): { readonly ladders: readonly LadderView[]; readonly places: ReadonlyMap<StepId, RungPlace> } {
  const places = new Map<StepId, RungPlace>();
  const all = laddersOf(plan);
  const ladders = all.map((ladder, index): LadderView => {
    for (const [rung, { steps }] of ladder.rungs.entries())
      for (const { id } of steps) places.set(id, { ladder: index, rung });
    return {
      word: all.length > 1 ? printable(ladder.service.name) : ladder.kind === 'canary' ? 'canary' : 'batch',
      kind: ladder.kind,
      rungs: ladder.rungs.map((rung) => startRung(rung, done)),
      sides: sideNames(ladder),
    };
  });
  return { ladders, places };
}

const startRung = (rung: Rung, done: ReadonlySet<StepId>): RungView => ({
  number: rung.number,
  sharePercent: rung.sharePercent,
  hosts: printable(rung.hosts),
  hostsTotal: rung.hostsTotal,
  zone: printable(rung.zone),
  holds: holdsText(rung),
  total: rung.steps.length,
  done: rung.steps.filter(({ id }) => done.has(id)).length,
  undone: 0,
  failed: [],
  running: [],
  estimateSeconds: rung.leastSeconds,
  startedAt: undefined,
  endedAt: undefined,
  seen: undefined,
  isOpen: false,
  gates: new Set(
    rung.steps.flatMap(({ id, operation }) =>
      operation.op === 'bake' || operation.op === 'approval' ? [id] : [],
    ),
  ),
});

function sideNames({ sides, of }: Ladder): SideNames | undefined {
  if (sides === undefined) return undefined;
  const name = (pool: string, side: string): string => (of === 'requests' ? pool : `${pool} ${side}`);
  return printable({
    balancer: sides.balancer,
    stable: name(sides.stable.pool, 'before'),
    canary: name(sides.canary.pool, 'new'),
  });
}

type StepEvent = Extract<Event, { type: 'step_started' | 'step_done' | 'step_failed' | 'step_progress' }>;

export function foldRung(rung: RungView, event: StepEvent, host: string | undefined): RungView {
  const others = rung.running.filter(({ step }) => step !== event.step);
  switch (event.type) {
    case 'step_progress': {
      const { done, total, unit } = event;
      const progress = { done, total, unit, text: printable(event.text) };
      return {
        ...rung,
        running: rung.running.map((each) => (each.step === event.step ? { ...each, progress } : each)),
      };
    }
    case 'step_started': {
      const { step, undoing, at } = event;
      return {
        ...rung,
        startedAt: rung.startedAt ?? at,
        failed: undoing ? rung.failed : rung.failed.filter((each) => each !== step),
        running: [...others, { step, host, undoing, since: at, progress: undefined }],
        isOpen: rung.isOpen || (!undoing && rung.gates.has(step)),
      };
    }
    case 'step_done':
      return {
        ...rung,
        running: others,
        endedAt: event.at,
        // What failed was never done, but it too is undone.
        done: rung.done + (event.undoing ? (rung.failed.includes(event.step) ? 0 : -1) : 1),
        undone: rung.undone + (event.undoing ? 1 : 0),
        isOpen: rung.isOpen && !(rung.gates.has(event.step) && others.length === 0),
      };
    case 'step_failed':
      return {
        ...rung,
        running: others,
        endedAt: event.at,
        failed: [...rung.failed.filter((each) => each !== event.step), event.step],
        isOpen: rung.isOpen && !rung.gates.has(event.step),
      };
  }
}

/** Adds what came since the last look to the rungs whose gates are open. */
export function countInRungs(
  ladders: readonly LadderView[],
  pools: readonly PoolView[],
): readonly LadderView[] {
  if (!ladders.some(({ rungs }) => rungs.some(({ isOpen }) => isOpen))) return ladders;
  return ladders.map((ladder) => {
    const { sides } = ladder;
    const side = (name: string | undefined): PoolView | undefined =>
      pools.find(({ balancer, pool }) => balancer === sides?.balancer && pool === name);
    const [stable, canary] = [side(sides?.stable), side(sides?.canary)];
    if (canary === undefined || stable === undefined) return ladder;
    return {
      ...ladder,
      rungs: ladder.rungs.map((rung) => {
        if (!rung.isOpen) return rung;
        // What came before the gate opened is not of its share: the first look only says where to begin.
        const seen = rung.seen ?? { canary: 0, canaryFailed: 0, stable: 0, stableFailed: 0 };
        if (rung.seen === undefined) return { ...rung, seen };
        return {
          ...rung,
          seen: {
            canary: seen.canary + canary.gained,
            canaryFailed: seen.canaryFailed + canary.gainedFailed,
            stable: seen.stable + stable.gained,
            stableFailed: seen.stableFailed + stable.gainedFailed,
          },
        };
      }),
    };
  });
}

/** `9.8% of 4,012 requests`, where any came. */
export function seenPercent({ canary, stable }: Seen): number | undefined {
  const all = canary + stable;
  return all === 0 ? undefined : (100 * canary) / all;
}
