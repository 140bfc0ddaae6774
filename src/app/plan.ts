/** Makes a plan: reads the files, looks at the world and at the record, and lets the planner think. */
import {
  type Address,
  asAddress,
  type Declared,
  type Deployment,
  type Diagnostic,
  type Intent,
  type Observed,
  type Plan,
  type Recorded,
  type Run,
} from '../model/index.ts';
import { followMoves } from '../planner/moves.ts';
import { planEnvironment } from '../planner/plan.ts';
import { takeRecordForWorld } from '../planner/recorded-world.ts';
import { revertTarget } from '../planner/revert.ts';
import { unknownTargets } from '../planner/selection.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import { failedReleases } from './failed-releases.ts';
import { AppFailure } from './failure.ts';
import { type Loaded, loadEnvironment, loadWithArtifacts } from './load.ts';
import { withFetched } from './plan-artifacts.ts';
import { withDigest } from './plan-file.ts';
import { type Reach, reach } from './reach.ts';
import { actorOf, openForReading } from './state.ts';

export interface PlanAsk extends ConfigurationAsk {
  readonly targets: readonly string[];
  readonly excluded: readonly string[];
  /** Only what differs between the record and the world. */
  readonly refreshOnly: boolean;
  /** Take the record for the world: nothing is read. The plan may be wrong, and says so. */
  readonly noRefresh: boolean;
}

export interface Planned {
  readonly plan: Plan;
  readonly loaded: Loaded;
  readonly recorded: Recorded;
  /** How long earlier runs of this environment took; undefined: there are too few to go by. */
  readonly earlier: { readonly runs: number; readonly seconds90: number } | undefined;
  /** Kept open, so that an apply that follows has its connections. */
  readonly reach: Reach;
  /** undefined: the record was taken for the world. */
  readonly lookedMs: number | undefined;
  /** Where a revert goes back to. */
  readonly revertsTo: Deployment | undefined;
}

/** The caller disposes of `reach`. Throws an `AppFailure` for what the user can mend. */
export async function makePlan(ask: PlanAsk, cx: AppContext): Promise<Planned> {
  const loaded = await loadEnvironment(ask, cx);
  const intent: Intent = ask.refreshOnly ? { kind: 'refresh_only' } : { kind: 'apply' };
  return planFor(loaded, loaded.declared, intent, undefined, [], ask, cx);
}

export interface RevertPlanAsk extends ConfigurationAsk {
  readonly to: number | undefined;
  readonly services: readonly string[];
}

/** A plan back to a recorded deployment. Hosts and balancers are reached as the configuration says today. */
export async function makeRevertPlan(ask: RevertPlanAsk, cx: AppContext): Promise<Planned> {
  const { loaded } = await loadWithArtifacts(ask, cx);
  await using store = await openForReading(loaded.declared.state);
  const { deployments } = followMoves(await store.read(), loaded.declared);
  const target = revertTarget(loaded.declared, deployments, ask);
  if (!target.ok) throw new AppFailure(target.diagnostics);
  const { deployment, declared, services, warnings } = target.value;
  const intent: Intent = { kind: 'revert', to: deployment.number, services };
  const all = { targets: [], excluded: [], noRefresh: false };
  return planFor(loaded, declared, intent, deployment, warnings, all, cx);
}

async function planFor(
  loaded: Loaded,
  declared: Declared,
  intent: Intent,
  revertsTo: Deployment | undefined,
  warnings: readonly Diagnostic[],
  ask: Pick<PlanAsk, 'targets' | 'excluded' | 'noRefresh'>,
  cx: AppContext,
): Promise<Planned> {
  const selection = { targets: ask.targets.map(asAddress), excluded: ask.excluded.map(asAddress) };
  const unknown = unknownTargets(selection, declared);
  if (unknown.length > 0) throw new AppFailure(unknown.map((address) => noSuchTarget(address, declared)));

  await using store = await openForReading(declared.state);
  const recorded = await store.read();
  const durations = await store.durations();
  const world = await reach(declared, recorded.lineage, cx);
  try {
    const started = cx.clock.now();
    const observed = ask.noRefresh
      ? takeRecordForWorld(declared, followMoves(recorded, declared), cx.clock.now())
      : await world.observe(new AbortController().signal);
    const lookedMs = cx.clock.now() - started;
    cx.trace?.info(`looked at the world in ${lookedMs} ms: ${countsText(observed)}`);
    const failed = await failedReleases(store);
    const plan = await withFetched(loaded.artifacts, declared, (complete) =>
      planEnvironment({
        declared: complete,
        observed,
        recorded,
        intent,
        selection,
        renderConfig: (balancer) => world.kindOf(balancer).renderConfig(balancer),
        traits: new Map(declared.balancers.map((each) => [each.address, world.kindOf(each).traits(each)])),
        durations,
        failedReleases: failed,
        author: actorOf(cx).who,
        now: cx.clock.now(),
        toolVersion: cx.toolVersion,
      }),
    );
    cx.trace?.info(
      `planned in ${cx.clock.now() - started - lookedMs} ms: ${plan.changes.length} changes, ${plan.steps.length} steps, ${plan.held.length} held`,
    );
    const complete = { ...plan, warnings: [...loaded.warnings, ...warnings, ...plan.warnings] };
    return {
      plan: withDigest(complete),
      loaded,
      recorded,
      earlier: earlierRuns(await store.runs()),
      reach: world,
      lookedMs: ask.noRefresh ? undefined : lookedMs,
      revertsTo,
    };
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}

const countsText = ({ observations }: Observed): string =>
  (['present', 'absent', 'unknown'] as const)
    .map((status) => `${observations.filter((each) => each.status === status).length} ${status}`)
    .join(', ');

/** Complete runs of the last 50, and the time that nine of ten of them stayed below. */
function earlierRuns(runs: readonly Run[]): Planned['earlier'] {
  const seconds = runs
    .filter((run) => run.outcome === 'complete' && run.endedAt !== undefined)
    .slice(-50)
    .map((run) => ((run.endedAt ?? run.startedAt) - run.startedAt) / 1000)
    .toSorted((a, b) => a - b);
  const seconds90 = seconds[Math.ceil(seconds.length * 0.9) - 1];
  return seconds90 === undefined || seconds.length < 3 ? undefined : { runs: seconds.length, seconds90 };
}

const noSuchTarget = (address: Address, declared: Declared): Diagnostic => ({
  code: 'no-such-target',
  severity: 'error',
  summary: 'A target names nothing',
  detail: `${address} is not a service, nor a part of one, nor a module with one.`,
  hint: `There are: ${declared.services.map((service) => service.address).join(', ')}.`,
});
