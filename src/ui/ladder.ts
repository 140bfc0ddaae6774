/** The stages of a rollout as a person thinks of them: shares of a canary, batches of a rolling upgrade. Pure. */
import {
  type Address,
  type AnalysisDeclared,
  type AudienceRule,
  hostOf,
  type Operation,
  type Plan,
  type RouteValue,
  type ServiceDeclared,
  type Step,
  type StrategyDeclared,
} from '../model/index.ts';
import { scheduleSteps } from './phases.ts';
import { servingBefore } from './run-title.ts';

export interface Ladder {
  readonly service: ServiceDeclared;
  readonly kind: 'canary' | 'rolling';
  /** What a share is a share of: the balancer's requests (two slots), or the hosts of the one slot. */
  readonly of: 'requests' | 'hosts';
  /** The version that served before; undefined: not known. */
  readonly before: string | undefined;
  readonly sides: LadderSides | undefined;
  readonly rungs: readonly Rung[];
}

/** Where the two releases are. With one slot both are in the same pool. */
export interface LadderSides {
  readonly balancer: Address;
  readonly stable: { readonly slot: string; readonly pool: string };
  readonly canary: { readonly slot: string; readonly pool: string };
}

export interface Rung {
  /** From 1, as `Step.stage`. */
  readonly number: number;
  readonly steps: readonly Step[];
  /** Whole percent that the new release has from here on, as it is wanted; of hosts it is the declared share too. */
  readonly sharePercent: number;
  /** Canary: hosts that have the release when its gates begin. Rolling: hosts of this batch. */
  readonly hosts: readonly string[];
  /** Hosts of the slot. */
  readonly hostsTotal: number;
  readonly zone: string | undefined;
  /** Requests that always get the new release from here on. */
  readonly audience: readonly AudienceRule[];
  /** How long it holds at least; 0: not at all. */
  readonly bakeSeconds: number;
  /** How much longer an analysis may be without a verdict. */
  readonly verdictSeconds: number;
  readonly isChecked: boolean;
  /** Analyses that decide. */
  readonly analysis: readonly AnalysisDeclared[];
  readonly needsApproval: boolean;
  readonly leastSeconds: number;
  /** With every wait at its limit; undefined: it waits for a person. */
  readonly mostSeconds: number | undefined;
  readonly undoneBy: string;
}

/** Of each service whose steps have stages, in the plan's order. */
export function laddersOf(plan: Pick<Plan, 'steps' | 'declared' | 'facts'>): readonly Ladder[] {
  const staged = Map.groupBy(
    plan.steps.filter(({ stage }) => stage !== undefined),
    ({ service }) => service,
  );
  return plan.declared.services.flatMap((service) => {
    const steps = staged.get(service.address);
    const { strategy } = service;
    if (steps === undefined || (strategy.kind !== 'canary' && strategy.kind !== 'rolling')) return [];
    return [ladderOf(service, strategy, steps, plan)];
  });
}

type Staged = Extract<StrategyDeclared, { kind: 'canary' | 'rolling' }>;

function ladderOf(
  service: ServiceDeclared,
  strategy: Staged,
  steps: readonly Step[],
  plan: Pick<Plan, 'steps' | 'declared' | 'facts'>,
): Ladder {
  const stages = [...Map.groupBy(steps, ({ stage }) => stage ?? 0)];
  const sides = sidesOf(service, steps);
  const slot = service.slots.find(({ name }) => name === sides?.canary.slot) ?? service.slots[0];
  const all = (slot?.instances ?? []).map(({ host }) => host);
  const rungs = stages.map(([number, own], at): Rung => {
    const declared = strategy.kind === 'canary' ? strategy.steps[number - 1] : undefined;
    const later = new Set(stages.slice(at + 1).flatMap(([, each]) => renewedIn(each)));
    const renewed = renewedIn(own);
    const gates = own.map(({ operation }) => operation).filter(isGate);
    const judged = gates.find((gate) => gate.judged !== undefined)?.judged?.analysis ?? [];
    const deciding = judged.filter(({ dryRun }) => !dryRun);
    const needsApproval = gates.some(({ op }) => op === 'approval');
    return {
      number,
      steps: own,
      sharePercent:
        strategy.kind === 'canary'
          ? (declared?.share ?? 100)
          : percentOf(all.length - later.size, all.length),
      hosts:
        strategy.kind === 'canary'
          ? service.slots.length > 1
            ? all
            : all.filter((host) => !later.has(host))
          : renewed,
      hostsTotal: all.length,
      zone: zoneOf(renewed, plan),
      audience: own.flatMap(({ operation }) =>
        operation.op === 'route.set' ? (operation.to?.audience ?? []) : [],
      ),
      bakeSeconds: gates.reduce((sum, gate) => sum + (gate.op === 'bake' ? gate.durationMs : 0), 0) / 1000,
      verdictSeconds: Math.max(0, ...judged.map(({ deadlineMs }) => deadlineMs)) / 1000,
      isChecked: gates.some(({ watch }) => watch.length > 0),
      analysis: deciding,
      needsApproval,
      leastSeconds: lengthOf(own, (step) => step.estimateSeconds),
      mostSeconds: needsApproval ? undefined : lengthOf(own, mostSecondsOf),
      undoneBy: undoneBy(own, service, strategy),
    };
  });
  return {
    service,
    kind: strategy.kind,
    of: service.slots.length > 1 ? 'requests' : 'hosts',
    before: servingBefore(service, plan),
    sides,
    rungs,
  };
}

type GateOperation = Extract<Operation, { op: 'bake' | 'approval' }>;

const isGate = (operation: Operation): operation is GateOperation =>
  operation.op === 'bake' || operation.op === 'approval';

/** Hosts that get the release in these steps. */
const renewedIn = (steps: readonly Step[]): readonly string[] => [
  ...new Set(
    steps.flatMap(({ operation }) =>
      operation.op === 'health.verify' || (operation.op === 'process.set' && operation.to !== null)
        ? (hostOf(operation) ?? [])
        : [],
    ),
  ),
];

const percentOf = (part: number, all: number): number => (all === 0 ? 0 : Math.round((100 * part) / all));

function zoneOf(hosts: readonly string[], plan: Pick<Plan, 'declared'>): string | undefined {
  const zones = new Set(
    hosts.map((host) => plan.declared.hosts.find(({ name }) => name === host)?.labels.zone),
  );
  return zones.size === 1 ? [...zones][0] : undefined;
}

function sidesOf(service: ServiceDeclared, steps: readonly Step[]): LadderSides | undefined {
  const traffic = service.traffic.find((each) => each.kind === 'load_balancer');
  if (traffic === undefined) return undefined;
  const { balancer, pools } = traffic;
  const side = (slot: string) => ({ slot, pool: pools[slot] ?? slot });
  const [only, other] = service.slots;
  if (only === undefined) return undefined;
  if (other === undefined) return { balancer, stable: side(only.name), canary: side(only.name) };
  const moved = steps.map(({ operation }) => routeOf(operation)).find((each) => each !== undefined);
  const target = Object.entries(pools).find(([, pool]) => pool === moved?.canary)?.[0];
  const from = service.slots.find(({ name }) => name !== target)?.name;
  return target === undefined || from === undefined
    ? undefined
    : { balancer, stable: side(from), canary: side(target) };
}

const routeOf = (operation: Operation): RouteValue | undefined =>
  operation.op === 'route.set' ? (operation.to ?? undefined) : undefined;

/** How long a step takes when it needs all the time that it is given. */
export function mostSecondsOf({ operation, estimateSeconds }: Step): number {
  const limitMs = limitOf(operation);
  return Math.max(estimateSeconds, limitMs / 1000);
}

function limitOf(operation: Operation): number {
  switch (operation.op) {
    case 'bake':
      return (
        operation.durationMs +
        Math.max(0, ...(operation.judged?.analysis ?? []).map(({ deadlineMs }) => deadlineMs))
      );
    case 'health.verify':
      return operation.health?.deadlineMs ?? 0;
    case 'pool.drain':
    case 'pool.settle':
    case 'record.converge':
      return operation.withinMs;
    case 'record.expire':
      return operation.durationMs;
    case 'hook.run':
      return operation.timeoutMs;
    default:
      return 0;
  }
}

/** Along the critical path; `seconds` says how long a step takes. */
export function lengthOf(
  steps: readonly Step[],
  seconds: (step: Step) => number,
  parallelism?: number,
): number {
  const timed = steps.map((step) => ({ ...step, estimateSeconds: seconds(step) }));
  return [...scheduleSteps(timed, parallelism).values()].reduce(
    (latest, { end }) => Math.max(latest, end),
    0,
  );
}

function undoneBy(steps: readonly Step[], service: ServiceDeclared, strategy: Staged): string {
  const moves = steps.filter(({ operation }) => operation.op === 'route.set');
  const [move] = moves;
  if (move?.inverse.kind === 'operation') return move.inverse.summary;
  if (strategy.kind === 'canary' && service.slots.length > 1) return '-';
  return renewedIn(steps).length === 0 ? '-' : 'each host goes back in the same way';
}
