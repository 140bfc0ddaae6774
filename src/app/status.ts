/** What an environment is now. */
import {
  type Declared,
  type Diagnostic,
  type JournalEntry,
  type Json,
  type Mark,
  newestTold,
  type Observed,
  type Plan,
  type Recorded,
  type ReleaseDeclared,
  type RunInProgress,
  type ServiceDeclared,
  type StatusReport,
  type StepId,
} from '../model/index.ts';
import { followMoves } from '../planner/moves.ts';
import { serviceStatuses } from '../planner/status.ts';
import { isHeld } from '../state/local/lock.ts';
import type { LocalState } from '../state/local/store.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import { isStandIn, loadWithArtifacts } from './load.ts';
import { type Reach, reach } from './reach.ts';
import { openForReading } from './state.ts';

export async function readStatus(ask: ConfigurationAsk, cx: AppContext): Promise<StatusReport> {
  for await (const report of watchStatus(ask, cx, 0, AbortSignal.abort())) return report;
  throw new Error('a status is always told once');
}

/**
 * The status now, and again `everyMs` after each answer, until the signal is aborted. The configuration is read once, and
 * connections are kept between two looks.
 */
export async function* watchStatus(
  ask: ConfigurationAsk,
  cx: AppContext,
  everyMs: number,
  ended: AbortSignal,
): AsyncGenerator<StatusReport, void> {
  const { loaded, artifacts } = await loadWithArtifacts(ask, cx);
  const { declared, environment } = loaded;
  const unread = artifacts.flatMap(({ outcome }) => ('severity' in outcome ? [byVersionAlone(outcome)] : []));
  await using store = await openForReading(declared.state);
  const { lineage } = await store.read();
  await using world = await reach(declared, lineage, cx);
  do {
    const report = await lookOnce(declared, environment.name, store, world, cx);
    yield { ...report, notes: [...unread, ...report.notes] };
    await cx.clock.sleep(everyMs, ended);
  } while (!ended.aborted);
}

async function lookOnce(
  declared: Declared,
  environment: string,
  store: LocalState,
  world: Reach,
  cx: AppContext,
): Promise<StatusReport> {
  const observed: Observed = await world.observe(new AbortController().signal);
  const recorded = followMoves(await store.read(), declared);
  const run = await runInProgress(declared, recorded, store);
  const last = recorded.deployments.at(-1);
  return {
    environment,
    at: cx.clock.now(),
    run,
    deployment: last === undefined ? undefined : { number: last.number, at: last.at, who: last.actor.who },
    services: serviceStatuses(byRecord(declared, recorded), observed, recorded, run?.isAlive === true),
    notes: observed.notes,
  };
}

/** A release whose artifact is not here is taken for the one of its version that was deployed last. */
function byRecord(declared: Declared, { deployments }: Recorded): Declared {
  const deployed = ({ address, release }: ServiceDeclared): ReleaseDeclared | undefined =>
    newestTold(deployments, ({ services }) =>
      services.find((each) => each.address === address && each.release.version === release.version),
    )?.release;
  const services = declared.services.map((service) =>
    isStandIn(service.release.artifact)
      ? { ...service, release: deployed(service) ?? service.release }
      : service,
  );
  return { ...declared, services };
}

const byVersionAlone = (why: Diagnostic): Diagnostic => ({
  ...why,
  severity: 'warning',
  detail: `${why.detail} Its release is told by its version alone.`,
});

async function runInProgress(
  declared: Declared,
  recorded: Recorded,
  store: LocalState,
): Promise<RunInProgress | undefined> {
  const { unfinished } = recorded;
  if (unfinished === undefined) return undefined;
  const [plan, journal] = await Promise.all([store.planOf(unfinished.run), store.journal(unfinished.run)]);
  const marks = new Map(
    journal.filter((entry) => entry.mark !== 'note').map((entry) => [entry.step, entry.mark]),
  );
  return {
    run: unfinished.run,
    startedAt: unfinished.startedAt,
    actor: unfinished.actor,
    outcome: unfinished.outcome,
    isAlive: isHeld(declared.state.path),
    stepsDone: [...marks.values()].filter((mark) => mark === 'done').length,
    stepsTotal: plan.steps.length,
    ...waitOf(plan, journal, marks),
  };
}

function waitOf(
  { steps }: Plan,
  journal: readonly JournalEntry[],
  marks: ReadonlyMap<StepId | undefined, Mark>,
): Pick<RunInProgress, 'waitsFor'> {
  const isPaused = journal.findLast(({ detail }) => steeringOf(detail) !== undefined);
  if (steeringOf(isPaused?.detail) === 'pause') return { waitsFor: 'continue' };
  const isAsked = steps.some(
    ({ id, operation }) => operation.op === 'approval' && marks.get(id) === 'intended',
  );
  return isAsked ? { waitsFor: 'promote' } : {};
}

/** What a note says of whether the run is to go on; undefined: nothing. */
function steeringOf(detail: Json | undefined): string | undefined {
  if (typeof detail !== 'object' || detail === null || !('kind' in detail)) return undefined;
  const { kind } = detail;
  return typeof kind === 'string' && ['pause', 'continue', 'resumed', 'abort'].includes(kind)
    ? kind
    : undefined;
}
