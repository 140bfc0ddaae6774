/**
 * A run as far as its events tell. `fold` is pure and every view reads only what it returns, so plain lines, JSON and
 * the terminal cannot tell different stories. Steps are counted by phase, never listed: a run of hundreds of hosts
 * has as many lines as one of three.
 */
import {
  type Address,
  type Diagnostic,
  type Event,
  hostOf,
  type Instant,
  type Operation,
  type Plan,
  type StepId,
} from '../model/index.ts';
import { countInRungs, foldRung, type LadderView, type RungPlace, startLadders } from './ladder-view.ts';
import { phasesOf } from './phases.ts';
import { printable } from './printable.ts';
import { runStrategies, runTitle } from './run-title.ts';
import { foldTraffic, type PoolView } from './traffic-view.ts';
import { foldVerdict, type VerdictView } from './verdict-view.ts';

export interface View {
  readonly run: number | undefined;
  /** As it came: what is shown of it must be made printable. */
  readonly plan: Plan | undefined;
  readonly environment: string;
  /** `shop 1.0.0 -> 2.0.0`. */
  readonly title: string;
  /** `blue_green`. */
  readonly strategies: string;
  readonly isResumed: boolean;
  /** What a revert goes back to; undefined: nothing. */
  readonly previousDeployment: number | undefined;
  readonly startedAt: Instant;
  /** Of the newest event. */
  readonly at: Instant;
  /** `stopping` and `reverting` win over `paused`: a run that was aborted in a pause is reverting. */
  readonly mode: 'waiting' | 'running' | 'paused' | 'stopping' | 'reverting' | 'ended';
  /** Why it is paused, stopping or reverting; who did it is part of it. */
  readonly reason: string | undefined;
  readonly phases: readonly PhaseView[];
  /** Index in `phases`, and host, of each step. */
  readonly places: ReadonlyMap<StepId, StepPlace>;
  readonly stepsTotal: number;
  readonly stepsDone: number;
  readonly stepsUndone: number;
  /** How many of those that are done an abort would undo. */
  readonly stepsWithWayBack: number;
  /** How many steps are to be undone; 0 until the run reverts. */
  readonly stepsToUndo: number;
  /** The last lines that hooks and processes printed, oldest first. */
  readonly output: readonly OutputLine[];
  readonly traffic: readonly PoolView[];
  readonly verdicts: readonly VerdictView[];
  /** Who is waited for: services and the share that they have. */
  readonly approvals: readonly ApprovalView[];
  /** Canaries and rolling upgrades, by their stages. */
  readonly ladders: readonly LadderView[];
  /** Hosts that failed and are left out. */
  readonly leftOut: readonly { readonly service: Address; readonly host: string }[];
  readonly diagnostics: readonly Diagnostic[];
  readonly failures: readonly FailedStep[];
  readonly summary: Extract<Event, { type: 'summary' }> | undefined;
}

export interface ApprovalView {
  readonly step: StepId;
  readonly service: Address;
  readonly sharePercent: number;
}

export interface StepPlace {
  readonly phase: number;
  readonly host: string | undefined;
  readonly rung: RungPlace | undefined;
  readonly hasWayBack: boolean;
}

export interface PhaseView {
  /** The ladder that all of its steps belong to, which then tells of them; undefined: it stands for itself. */
  readonly ladder: number | undefined;
  readonly number: number;
  readonly key: string;
  readonly verb: string;
  readonly title: string;
  readonly hosts: readonly string[];
  readonly total: number;
  /** Done and not undone since. */
  readonly done: number;
  /** Of these, how many found the world as it should be. */
  readonly unchanged: number;
  readonly undone: number;
  readonly running: readonly RunningStep[];
  readonly failed: readonly FailedStep[];
  readonly estimateSeconds: number;
  readonly startedAt: Instant | undefined;
  /** Of the last step that ended. */
  readonly endedAt: Instant | undefined;
  /** The longest single step, as it was measured. */
  readonly longestMs: number;
}

export interface RunningStep {
  readonly step: StepId;
  readonly host: string | undefined;
  readonly undoing: boolean;
  readonly since: Instant;
  readonly progress:
    | { readonly done: number; readonly total: number; readonly unit: string; readonly text: string }
    | undefined;
}

export interface FailedStep {
  readonly step: StepId;
  readonly verb: string;
  readonly host: string | undefined;
  readonly undoing: boolean;
  readonly failure: Diagnostic;
}

export interface OutputLine {
  readonly verb: string;
  readonly host: string | undefined;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** What a person can look back on in the details; the journal has all of it. */
const mostOutputLines = 200;

export const emptyView: View = {
  run: undefined,
  plan: undefined,
  environment: '',
  title: '',
  strategies: '',
  isResumed: false,
  previousDeployment: undefined,
  startedAt: 0 as Instant,
  at: 0 as Instant,
  mode: 'waiting',
  reason: undefined,
  phases: [],
  places: new Map(),
  stepsTotal: 0,
  stepsDone: 0,
  stepsUndone: 0,
  stepsWithWayBack: 0,
  stepsToUndo: 0,
  output: [],
  traffic: [],
  verdicts: [],
  approvals: [],
  ladders: [],
  leftOut: [],
  diagnostics: [],
  failures: [],
  summary: undefined,
};

export function fold(before: View, event: Event): View {
  const view = inRung({ ...before, at: event.at }, event);
  switch (event.type) {
    case 'run_started':
      return started(event);
    case 'step_started':
      return stepStarted(view, event);
    case 'step_progress':
      return inPhase(view, event.step, (phase) => ({
        running: phase.running.map((each) =>
          each.step === event.step
            ? {
                ...each,
                progress: {
                  done: event.done,
                  total: event.total,
                  unit: event.unit,
                  text: printable(event.text),
                },
              }
            : each,
        ),
      }));
    case 'step_output':
      return { ...view, output: [...view.output, outputLine(view, event)].slice(-mostOutputLines) };
    case 'step_done':
      return stepDone(view, event);
    case 'step_failed':
      return stepFailed(view, event);
    case 'traffic': {
      const traffic = foldTraffic(view.traffic, event);
      return { ...view, traffic, ladders: countInRungs(view.ladders, traffic) };
    }
    case 'verdict':
      return { ...view, verdicts: foldVerdict(view.verdicts, event) };
    case 'approval_needed': {
      const { step, service, sharePercent } = event;
      return { ...view, approvals: [...view.approvals, { step, service, sharePercent }] };
    }
    case 'promoted':
      return view;
    case 'left_out': {
      const { service, host } = printable({ service: event.service, host: event.host });
      return { ...view, leftOut: [...view.leftOut, { service, host }] };
    }
    case 'paused':
      return { ...view, mode: 'paused', reason: withActor(printable(event.reason), printable(event.by)) };
    case 'continued':
      return { ...view, mode: 'running', reason: undefined };
    case 'reverting':
      return {
        ...turned(view),
        mode: 'reverting',
        reason: printable(event.reason),
        stepsToUndo: event.steps.length,
      };
    case 'stopping':
      return { ...view, mode: 'stopping', reason: printable(event.reason) };
    case 'diagnostic':
      return { ...view, diagnostics: [...view.diagnostics, printable(event.diagnostic, { newlines: true })] };
    case 'summary':
      return { ...view, mode: 'ended', summary: event };
  }
}

/** What was in hand has ended, or was a wait that nothing tells the end of: nobody waits for it any more. */
const turned = (view: View): View => ({
  ...view,
  phases: view.phases.map((phase) => ({ ...phase, running: [] })),
  ladders: view.ladders.map((ladder) => ({
    ...ladder,
    rungs: ladder.rungs.map((rung) => ({ ...rung, running: [], isOpen: false })),
  })),
});

const withActor = (reason: string, by: string): string =>
  by === '' ? reason : reason === '' ? `by ${by}` : `${reason}, by ${by}`;

function started(event: Extract<Event, { type: 'run_started' }>): View {
  const { plan } = event;
  const phases = phasesOf(plan);
  const done = new Set(event.done ?? []);
  const { ladders, places: rungs } = startLadders(plan, done);
  const places = new Map<StepId, StepPlace>();
  for (const [phase, { steps }] of phases.entries()) {
    for (const step of steps) {
      places.set(step.id, {
        phase,
        host: printable(placeOf(step.operation)),
        rung: rungs.get(step.id),
        hasWayBack: step.inverse.kind === 'operation',
      });
    }
  }
  return {
    ...emptyView,
    run: event.run,
    plan,
    environment: printable(plan.environment),
    title: printable(runTitle(plan)),
    strategies: runStrategies(plan),
    isResumed: event.resumed,
    previousDeployment: event.previousDeployment,
    startedAt: event.at,
    at: event.at,
    mode: 'running',
    places,
    ladders,
    stepsTotal: plan.steps.length,
    stepsDone: done.size,
    stepsWithWayBack: event.doneWithWayBack ?? 0,
    phases: phases.map(({ number, phase, steps, hosts, seconds }) => ({
      number,
      ladder: ladderOf(steps.map(({ id }) => rungs.get(id))),
      key: phase.key,
      verb: printable(phase.verb),
      title: printable(phase.title),
      hosts: printable(hosts),
      total: steps.length,
      done: steps.filter(({ id }) => done.has(id)).length,
      unchanged: 0,
      undone: 0,
      running: [],
      failed: [],
      estimateSeconds: seconds,
      startedAt: undefined,
      endedAt: undefined,
      longestMs: 0,
    })),
  };
}

function ladderOf(places: readonly (RungPlace | undefined)[]): number | undefined {
  const [first] = places;
  return places.every((place) => place !== undefined && place.ladder === first?.ladder)
    ? first?.ladder
    : undefined;
}

/** The view with the rung of the event's step changed. */
function inRung(view: View, event: Event): View {
  if (
    event.type !== 'step_started' &&
    event.type !== 'step_done' &&
    event.type !== 'step_failed' &&
    event.type !== 'step_progress'
  ) {
    return view;
  }
  const place = view.places.get(event.step);
  if (place?.rung === undefined) return view;
  const ladder = view.ladders[place.rung.ladder];
  const rung = ladder?.rungs[place.rung.rung];
  if (ladder === undefined || rung === undefined) return view;
  const rungs = ladder.rungs.with(place.rung.rung, foldRung(rung, event, place.host));
  return { ...view, ladders: view.ladders.with(place.rung.ladder, { ...ladder, rungs }) };
}

/** A member of a pool is called by its host's name: a step on it says which host it takes out or returns. */
const placeOf = (operation: Operation): string | undefined =>
  hostOf(operation) ?? ('member' in operation ? operation.member : undefined);

/** The view with the phase of a step changed; an unknown step changes nothing. */
function inPhase(view: View, step: StepId, change: (phase: PhaseView) => Partial<PhaseView>): View {
  const place = view.places.get(step);
  const phase = place === undefined ? undefined : view.phases[place.phase];
  if (place === undefined || phase === undefined) return view;
  return { ...view, phases: view.phases.with(place.phase, { ...phase, ...change(phase) }) };
}

function stepStarted(view: View, { step, undoing, at }: Extract<Event, { type: 'step_started' }>): View {
  const host = view.places.get(step)?.host;
  return inPhase(view, step, (phase) => ({
    startedAt: phase.startedAt ?? at,
    running: [
      ...phase.running.filter((each) => each.step !== step),
      { step, host, undoing, since: at, progress: undefined },
    ],
    // Tried again: what failed before does not count any more. To be undone: it still has failed.
    failed: undoing ? phase.failed : phase.failed.filter((each) => each.step !== step),
  }));
}

function stepDone(before: View, event: Extract<Event, { type: 'step_done' }>): View {
  const view = withoutApproval(before, event.step);
  const { step, undoing, unchanged, elapsedMs, at } = event;
  const place = view.places.get(step);
  const hadFailed =
    place !== undefined && view.phases[place.phase]?.failed.some((each) => each.step === step);
  // What others had done already is left as it is.
  const wayBack = place?.hasWayBack === true && !unchanged ? 1 : 0;
  const isGone = undoing && hadFailed !== true;
  const counted: View = undoing
    ? {
        ...view,
        stepsUndone: view.stepsUndone + 1,
        stepsDone: view.stepsDone - (isGone ? 1 : 0),
        stepsWithWayBack: view.stepsWithWayBack - (isGone ? wayBack : 0),
      }
    : { ...view, stepsDone: view.stepsDone + 1, stepsWithWayBack: view.stepsWithWayBack + wayBack };
  return inPhase(counted, step, (phase) => ({
    running: phase.running.filter((each) => each.step !== step),
    done: phase.done + (undoing ? (isGone ? -1 : 0) : 1),
    undone: phase.undone + (undoing ? 1 : 0),
    unchanged: phase.unchanged + (unchanged && !undoing ? 1 : 0),
    endedAt: at,
    longestMs: undoing ? phase.longestMs : Math.max(phase.longestMs, elapsedMs),
  }));
}

function withoutApproval(view: View, step: StepId): View {
  if (view.approvals.length === 0) return view;
  return { ...view, approvals: view.approvals.filter((each) => each.step !== step) };
}

function stepFailed(before: View, event: Extract<Event, { type: 'step_failed' }>): View {
  const view = withoutApproval(before, event.step);
  const { step, undoing, at } = event;
  const place = view.places.get(step);
  const failed: FailedStep = {
    step,
    verb: (place === undefined ? undefined : view.phases[place.phase]?.verb) ?? '',
    host: place?.host,
    undoing,
    failure: printable(event.failure, { newlines: true }),
  };
  const known = { ...view, failures: [...view.failures, failed] };
  return inPhase(known, step, (phase) => ({
    running: phase.running.filter((each) => each.step !== step),
    failed: [...phase.failed.filter((each) => each.step !== step), failed],
    endedAt: at,
  }));
}

function outputLine(view: View, { step, stream, line }: Extract<Event, { type: 'step_output' }>): OutputLine {
  const place = view.places.get(step);
  const verb = (place === undefined ? undefined : view.phases[place.phase]?.verb) ?? '';
  return { verb, host: place?.host, stream, line: printable(line, { tabs: true }).replaceAll('\t', '    ') };
}
