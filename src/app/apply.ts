/** Performs a plan under the lock: one just made and approved, a saved one, or the one of a run that stopped. */
import { existsSync } from 'node:fs';
import type { Control } from '../engine/control.ts';
import { failpointFrom, signalSelf } from '../engine/failpoint.ts';
import type { RunOptions, RunResult } from '../engine/options.ts';
import { abort, resume, run } from '../engine/run.ts';
import {
  canonicalJson,
  type Declared,
  type Diagnostic,
  type Event,
  isError,
  type Plan,
  type Recorded,
  type RunNumber,
  type StateDeclared,
} from '../model/index.ts';
import { actorRefusals, policyRefusals } from '../planner/policy.ts';
import { findStaleFacts } from '../planner/staleness.ts';
import type { LocalState } from '../state/local/store.ts';
import { requireApprovals } from './approvals.ts';
import { Artifacts } from './artifacts.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import type { EnvironmentFolder } from './environment.ts';
import { AppFailure } from './failure.ts';
import { openJudge } from './judge.ts';
import { loadDeclaration, stateOf } from './load.ts';
import { changedArtifacts, fetchArtifacts } from './plan-artifacts.ts';
import { readSecretsOf } from './plan-secrets.ts';
import { type Reach, reach } from './reach.ts';
import { actorOf, openForReading, openForWriting } from './state.ts';
import { withRequests } from './steering.ts';

export { createControl } from '../engine/control.ts';
export type { RunResult } from '../engine/options.ts';

export interface Running {
  readonly control: Control;
  readonly emit: (event: Event) => void;
  readonly parallelism: number;
}

/**
 * Performs a plan that was made under this lock. Throws an `AppFailure` before anything is touched. Where the world was not
 * looked at for it (`--no-refresh`), that is done now.
 */
export async function applyPlan(
  plan: Plan,
  world: Reach,
  running: Running,
  cx: AppContext,
  { isLookedAt }: { readonly isLookedAt: boolean } = { isLookedAt: true },
): Promise<RunResult> {
  refuseHeld(plan);
  refuseByPolicy(plan, cx);
  if (!isLookedAt) await refuseStale(plan, world, []);
  await readSecretsOf(plan, world.resolveSecret);
  await using store = await openForWriting(plan.declared.state);
  const recorded = await store.read();
  refuseUnfinished(recorded);
  return await run(plan, optionsFor(store, recorded, world, running, cx, plan.declared));
}

export interface SavedPlan {
  readonly plan: Plan;
  /** Signatures are beside it. */
  readonly path: string;
}

/** Performs a saved plan if every fact that it rests on still holds; else exit code 6 and the fact that does not. */
export async function applySavedPlan(
  { plan, path }: SavedPlan,
  running: Running,
  cx: AppContext,
): Promise<RunResult> {
  refuseHeld(plan);
  refuseByPolicy(plan, cx, { isSaved: true });
  await requireApprovals(plan, path);
  await using world = await reach(plan.declared, plan.lineage, cx);
  await using store = await openForWriting(plan.declared.state);
  const recorded = await store.read();
  refuseUnfinished(recorded);
  refuseOtherState(plan, recorded);
  await refuseStale(plan, world, await changedArtifacts(plan, new Artifacts(cx)));
  await readSecretsOf(plan, world.resolveSecret);
  return await run(plan, optionsFor(store, recorded, world, running, cx, plan.declared));
}

/** Looks at every fact that the plan rests on; `also`: what is found stale already. */
async function refuseStale(plan: Plan, world: Reach, also: readonly Diagnostic[]): Promise<void> {
  const { observations } = await world.observe(new AbortController().signal);
  const stale = [...also, ...findStaleFacts(plan, observations)];
  if (stale.length === 0) return;
  const hint = `Nothing was changed by this run. See what is different:\n    deployctl plan ENV`;
  throw new AppFailure(
    distinct(stale).map((each) => ({ ...each, hint: each.hint ?? hint })),
    stale.every(isStaleness) ? 6 : 1,
  );
}

const isStaleness = ({ code }: Diagnostic): boolean => code === 'plan-stale' || code === 'artifact-changed';

/** A host that is away makes every fact about it unknown, for one and the same reason. */
const distinct = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] => [
  ...new Map(diagnostics.map((each) => [canonicalJson(each), each])).values(),
];

/** Goes on with the run that stopped. The world is looked at again at every step. */
export async function resumeRun(declared: Declared, running: Running, cx: AppContext): Promise<RunResult> {
  refuseActor(declared, cx);
  return withUnfinished(declared.state, running, cx, async (options, plan, world) => {
    await Promise.all([readSecretsOf(plan, world.resolveSecret), fetchArtifacts(plan, new Artifacts(cx))]);
    return await resume(options);
  });
}

/**
 * Undoes what the unfinished run did, by its own plan: neither the configuration of today nor artifacts are needed, nor
 * secrets beforehand, for the way back may need none of them.
 */
export async function abortRun(state: StateDeclared, running: Running, cx: AppContext): Promise<RunResult> {
  return withUnfinished(state, running, cx, (options) => abort(options, 'abort asked for'));
}

/** What was declared when the unfinished run was planned. Throws an `AppFailure` where there is none. */
export async function declaredByUnfinished(state: StateDeclared): Promise<Declared> {
  if (!existsSync(state.path)) throw new AppFailure([nothingUnfinished]);
  await using store = await openForReading(state);
  const { unfinished } = await store.read();
  if (unfinished === undefined) throw new AppFailure([nothingUnfinished]);
  return (await store.planOf(unfinished.run)).declared;
}

/**
 * Who may resume is what the files of today say. Where they cannot be read, as without a value that the run was begun with,
 * it is what the run's own plan says: what is sent is in that plan anyway, and a run must not be stuck on a file.
 */
export async function declaredForResume(
  ask: ConfigurationAsk,
  cx: AppContext,
): Promise<{ readonly declared: Declared; readonly environment: EnvironmentFolder }> {
  try {
    return await loadDeclaration(ask, cx);
  } catch (error) {
    if (!(error instanceof AppFailure)) throw error;
    const { environment, state } = await stateOf(ask, cx);
    return { environment, declared: { ...(await declaredByUnfinished(state)), state } };
  }
}

async function withUnfinished(
  state: StateDeclared,
  running: Running,
  cx: AppContext,
  go: (options: RunOptions, plan: Plan, world: Reach) => Promise<RunResult>,
): Promise<RunResult> {
  if (!existsSync(state.path)) throw new AppFailure([nothingUnfinished]);
  await using store = await openForWriting(state);
  const recorded = await store.read();
  const { unfinished } = recorded;
  if (unfinished === undefined) throw new AppFailure([nothingUnfinished]);
  const plan = await store.planOf(unfinished.run);
  await using world = await reach(plan.declared, plan.lineage, cx);
  return await go(optionsFor(store, recorded, world, running, cx, { ...plan.declared, state }), plan, world);
}

function optionsFor(
  store: LocalState,
  recorded: Recorded,
  world: Reach,
  running: Running,
  cx: AppContext,
  declared: Declared,
): RunOptions {
  const previous = recorded.deployments.at(-1)?.number;
  let runNow: RunNumber | undefined;
  return {
    ...running,
    emit: (event) => {
      runNow = event.run;
      cx.trace?.debug(
        `event ${event.seq} of run ${event.run}: ${event.type}${'step' in event ? ` of step ${event.step}` : ''}`,
      );
      running.emit(event);
    },
    control: withRequests(running.control, declared.state.path, () => runNow, cx.clock),
    store,
    providerOf: world.providerOf,
    judge: openJudge(world, declared),
    clock: cx.clock,
    actor: actorOf(cx),
    ...(previous === undefined ? {} : { previousDeployment: previous }),
    failpoint: failpointFrom(cx.environment, signalSelf),
  };
}

/** A plan with something held can be looked at, and never applied. */
function refuseHeld(plan: Plan): void {
  const errors = plan.held.filter(isError);
  if (errors.length > 0) throw new AppFailure(errors);
}

/** Throws an `AppFailure` where the policy forbids this plan, now, to this actor. */
export function refuseByPolicy(
  plan: Plan,
  cx: AppContext,
  from: { readonly isSaved: boolean } = { isSaved: false },
): void {
  const refused = policyRefusals(plan, { now: cx.clock.now(), who: actorOf(cx).who, ...from });
  if (refused.length > 0) throw new AppFailure(refused);
}

/** Throws an `AppFailure` where the policy names others. */
export function refuseActor({ policy }: Declared, cx: AppContext): void {
  const refused = actorRefusals(policy, actorOf(cx).who);
  if (refused.length > 0) throw new AppFailure(refused);
}

export function refuseUnfinished(recorded: Recorded): void {
  const { unfinished } = recorded;
  if (unfinished === undefined) return;
  throw new AppFailure([
    {
      code: 'run-unfinished',
      severity: 'error',
      summary: 'An earlier run is not finished',
      detail: `Run ${unfinished.run}, begun by ${unfinished.actor.who} with "${unfinished.actor.command}", stopped part-way. Nothing new is planned on top of it.`,
      hint: `Go on with it:  deployctl apply ENV --resume\nOr undo what it did:  deployctl abort ENV`,
    },
  ]);
}

function refuseOtherState(plan: Plan, recorded: Recorded): void {
  const isFirst = plan.lineage === '' && recorded.deployments.length === 0 && recorded.stateSerial <= 1;
  if (plan.lineage === recorded.lineage || isFirst) return;
  throw new AppFailure(
    [
      {
        code: 'plan-other-lineage',
        severity: 'error',
        summary: 'The saved plan belongs to another state',
        detail:
          plan.lineage === ''
            ? 'It was made when nothing was recorded; since then a state was begun, perhaps by this very plan.'
            : `Its lineage is ${plan.lineage}, and that of the recorded state is ${recorded.lineage}.`,
        hint: 'Nothing was changed. Plan again, and apply the new plan.',
      },
    ],
    6,
  );
}

const nothingUnfinished: Diagnostic = {
  code: 'nothing-to-resume',
  severity: 'error',
  summary: 'No run is unfinished',
  detail: 'The last run has ended, so there is nothing to go on with and nothing to undo.',
  hint: 'See what was done:  deployctl history ENV',
};
