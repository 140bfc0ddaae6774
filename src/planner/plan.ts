/**
 * declared + observed + recorded = a plan. Pure: the same three give the same plan.
 *
 *   drift ◀─ recorded ≠ observed          changes, steps ◀─ declared ≠ observed, by each service's strategy
 *   held  ◀─ what could not be seen       proof          ◀─ the steps, run over a model of the world
 */
import {
  type Address,
  type BalancerDeclared,
  balancerConfigAddress,
  type Change,
  type Declared,
  type Diagnostic,
  type Fact,
  type Instant,
  type Intent,
  isWithin,
  type Observed,
  type Plan,
  type Recorded,
  type ServiceDeclared,
  type Step,
  type Traits,
} from '../model/index.ts';
import { strategyFor } from '../strategies/index.ts';
import type { Situation } from '../strategies/situation.ts';
import type { Rollout } from '../strategies/strategy.ts';
import { holdImpossible, warnOfCosts } from './abilities.ts';
import { withoutAway } from './away.ts';
import { type ConfiguredPools, completePools, configurePools, noPools } from './balancer-config.ts';
import { findDrift } from './drift.ts';
import { estimateFrom } from './estimate.ts';
import { type FailedRelease, warnOfFailed } from './failed-releases.ts';
import { holdMissingMembers, holdNoRoom, holdRecord, holdUnresolved, holdUnseen } from './hold.ts';
import { followMoves, movedSince, portsStillTaken, unitsRenamed } from './moves.ts';
import { lastOf, orderServices, orderSteps, startAfter } from './order.ts';
import { policyWarnings, tooLargeSteps } from './policy.ts';
import { prove } from './prove/index.ts';
import { wrapInRunHooks } from './run-hooks.ts';
import { type Selection, selects, servicesUntouched } from './selection.ts';
import { balancersOf, situate, World } from './situate.ts';
import { tellServices } from './tell-services.ts';
import { findWarnings } from './warnings.ts';

export interface PlanInput {
  readonly declared: Declared;
  readonly observed: Observed;
  readonly recorded: Recorded;
  readonly intent: Intent;
  readonly selection: Selection;
  /** The text of a balancer's config_file, as its provider renders it; undefined: deployctl writes none for it. Pure. */
  readonly renderConfig: (balancer: BalancerDeclared) => string | undefined;
  /** What each balancer can do; one that is not named can do everything. */
  readonly traits?: ReadonlyMap<Address, Traits>;
  /** Seconds that operations took in earlier runs, by name, newest first. */
  readonly durations: Readonly<Record<string, readonly number[]>>;
  /** Releases that failed here and were not deployed since, oldest first. */
  readonly failedReleases?: readonly FailedRelease[];
  /** Who makes it: `kim@laptop`. */
  readonly author?: string;
  readonly now: Instant;
  readonly toolVersion: string;
}

/** Everything of a plan but its digest, which is computed over all of this. */
export function planEnvironment(input: PlanInput): Omit<Plan, 'digest'> {
  const { declared, intent } = input;
  const recorded = followMoves(input.recorded, declared);
  const world = new World(input.observed);
  const estimate = estimateFrom(input.durations);
  const drift = findDrift(recorded.resources, world);
  const services = orderServices(declared).filter((service) => selects(input.selection, declared, service));
  const untouched = servicesUntouched(services, declared, recorded, intent);
  const poolsInput = {
    declared,
    services,
    world,
    deployments: recorded.deployments,
    renderConfig: input.renderConfig,
    estimate,
  };
  const pools = intent.kind === 'refresh_only' ? noPools : configurePools(poolsInput);
  const reduced = services.map((service) => withoutAway(service, world, declared.policy));
  const situations = reduced.map(({ service, away }) =>
    situate(service, {
      away,
      declared,
      world,
      recorded,
      now: input.now,
      intent,
      writtenPools: pools.written,
      estimate,
    }),
  );
  const rollouts =
    intent.kind === 'refresh_only' ? [] : rollOutAll(situations, pools, input.traits ?? new Map());
  const completed = completePools(pools, rollouts, poolsInput);
  const held = [
    ...pools.held,
    ...completed.held,
    ...reduced.flatMap((each) => each.held),
    ...rollouts.flatMap((each) => each.held),
  ];
  const changes = [...pools.changes, ...rollouts.flatMap((each) => each.changes)];
  const steps = tellServices(
    orderSteps(
      wrapInRunHooks(
        [...completed.steps, ...rollouts.flatMap((each) => each.steps)],
        declared,
        intent,
        estimate,
      ),
    ),
    services,
  );
  const { proof, violations } = prove(steps, situations);

  return {
    format: 1,
    toolVersion: input.toolVersion,
    environment: declared.environment,
    lineage: recorded.lineage,
    stateSerial: recorded.stateSerial,
    createdAt: input.now,
    ...(input.author === undefined ? {} : { author: input.author }),
    intent,
    targets: input.selection.targets,
    ...(input.selection.excluded.length === 0 ? {} : { excluded: input.selection.excluded }),
    ...(untouched.length === 0 ? {} : { untouched }),
    drift,
    changes,
    steps,
    held: [
      ...held,
      ...unitsRenamed(declared, recorded),
      ...(intent.kind === 'refresh_only' ? [] : portsStillTaken(services, declared, recorded)),
      ...violations,
      ...tooLargeSteps(steps, declared.policy, intent),
    ],
    warnings: [
      ...input.observed.notes,
      ...movedSince(input.recorded, declared),
      ...findWarnings(declared, recorded, situations, input.selection, untouched),
      ...warnOfFailed(services, steps, input.failedReleases ?? []),
      ...warnOfCosts(steps, input.traits ?? new Map()),
      ...policyWarnings({ declared, steps, intent, environment: declared.environment }, input.now),
    ],
    facts: factsBehind(steps, changes, situations, world, pools.written),
    proof,
    declared,
  };
}

/** Services in the order of their dependencies; each starts when those that it depends on are done. */
function rollOutAll(
  situations: readonly Situation[],
  pools: ConfiguredPools,
  traits: ReadonlyMap<Address, Traits>,
): readonly Rollout[] {
  const rollouts = new Map<Address, Rollout>();
  for (const situation of situations) {
    const { service } = situation;
    const before = service.dependsOn.flatMap((address) => rollouts.get(address) ?? []);
    const own = rollOut(situation, before, traits);
    const needs = [
      ...before.flatMap((each) => lastOf(each.steps)),
      ...pools.steps
        .filter(({ address }) => balancersOf(service).some((each) => address === balancerConfigAddress(each)))
        .map((step) => step.id),
    ];
    rollouts.set(service.address, { ...own, steps: startAfter(own.steps, needs) });
  }
  return [...rollouts.values()];
}

function rollOut(
  situation: Situation,
  before: readonly Rollout[],
  traits: ReadonlyMap<Address, Traits>,
): Rollout {
  const own = strategyFor(situation.service.strategy)(situation);
  const reasons: readonly Diagnostic[] = [
    ...holdUnseen(situation),
    ...holdMissingMembers(situation),
    ...holdRecord(situation),
    ...holdUnresolved(situation),
    ...holdNoRoom(situation, own.steps),
    ...(before.some((each) => each.held.length > 0) ? [heldByDependency(situation.service)] : []),
  ];
  const impossible = holdImpossible(situation.service, own.steps, traits);
  if (impossible.length > 0) return { changes: [], steps: [], held: [...reasons, ...impossible] };
  const isHeld = reasons.length > 0 && (own.steps.length > 0 || holdUnseen(situation).length > 0);
  return isHeld ? { changes: [], steps: [], held: reasons } : own;
}

const heldByDependency = (service: ServiceDeclared): Diagnostic => ({
  code: 'dependency-held',
  severity: 'error',
  summary: 'A service that this one depends on is held',
  detail: `${service.address} waits for ${service.dependsOn.join(', ')}.`,
  subject: service.origin,
  address: service.address,
});

/** What was seen of everything that the steps touch, or that decided them. */
function factsBehind(
  steps: readonly Step[],
  changes: readonly Change[],
  situations: readonly Situation[],
  world: World,
  writtenPools: ReadonlySet<Address>,
): readonly Fact[] {
  const moved = situations.filter(
    ({ service }) =>
      steps.some((step) => step.service === service.address) ||
      changes.some((change) => isWithin(change.address, service.address)),
  );
  return world.all.filter(
    (fact) =>
      moved.some((situation) => concerns(situation, fact)) ||
      (fact.kind === 'balancer_config' && writtenPools.has(fact.address.replace(/\.config$/, '') as Address)),
  );
}

function concerns({ service, balancer, traffic, name }: Situation, fact: Fact): boolean {
  // That a host was away is no fact to rest on: the plan does nothing there, whether it is back or not.
  if (fact.status === 'unknown') return false;
  if (fact.address.startsWith(`${service.address}.`)) return true;
  if (fact.address === name?.traffic.record.address) return true;
  if (balancer === undefined || traffic === undefined) return false;
  const own = [`.route[${JSON.stringify(traffic.route)}]`, ...Object.values(traffic.pools).map(poolPrefix)];
  return own.some((suffix) => fact.address.startsWith(`${balancer.address}${suffix}`));
}

const poolPrefix = (pool: string): string => `.pool[${JSON.stringify(pool)}]`;
