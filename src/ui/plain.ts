/**
 * A run for logs and pipes: one line for each change of state with the time since the start, no spinner, nothing that
 * moves a cursor. A phase of many steps tells every quarter of them, so a fleet does not drown its own failures.
 */
import { asInstant, type Diagnostic, type Event, type Instant, type StepId } from '../model/index.ts';
import { visible } from '../model/visible.ts';
import { renderDiagnostic } from './diagnostic.ts';
import { emptyView, fold, type PhaseView, type RunningStep, type View } from './fold.ts';
import { hostsText } from './hosts-text.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { byName, type Pasteable } from './pasteable.ts';
import { printable } from './printable.ts';
import { currentPhase } from './progress.ts';
import type { Renderer } from './renderer.ts';
import { seenText } from './rollout-rung.ts';
import { phaseText } from './steps-text.ts';
import { renderSummary } from './summary-text.ts';
import { counted, elapsedText, stopwatch } from './time-text.ts';
import { paintVerdict, verdictTexts } from './verdict-view.ts';

export interface PlainOptions {
  readonly write: (text: string) => void;
  readonly color: boolean;
  /** Frames what went wrong; without it, in the frame that shows no lines of source. */
  readonly frame?: (diagnostic: Diagnostic) => string;
  /** Of the closing words; default 100. */
  readonly width?: number;
  /** Fills in the commands that are told; without it the environment is called by its name. */
  readonly pasteable?: Pasteable;
  /** For the time of a heartbeat. */
  readonly now?: () => Instant;
  /** Silence after which it tells what it is waiting for, in ms. */
  readonly heartbeatMs?: number;
}

/** Steps of a phase that are told one by one. */
const mostSingle = 10;

export function plainLines({
  write,
  color,
  width = 100,
  frame = (diagnostic) => renderDiagnostic(diagnostic, { color, width, sources: () => undefined }),
  pasteable,
  now = () => asInstant(Date.now()),
  heartbeatMs = 30_000,
}: PlainOptions): Renderer {
  const paint = paintOf(color);
  let view = emptyView;
  let timer: NodeJS.Timeout | undefined;
  const rest = (): void => {
    clearTimeout(timer);
    if (view.mode === 'ended' || view.mode === 'waiting') return;
    timer = setTimeout(() => {
      write(`${stamp(view, now())}  ${stillText(view, now())}\n`);
      rest();
    }, heartbeatMs);
    // A run that is over must not be kept alive by the wait for its next line.
    timer.unref();
  };
  return {
    event(event) {
      const before = view;
      view = fold(before, event);
      if (event.type === 'diagnostic') {
        write(`${frame(printable(event.diagnostic, { newlines: true })).trimEnd()}\n`);
        return;
      }
      const lines = eventLines(before, view, event, paint, pasteable);
      for (const line of lines) write(`${stamp(view, event.at)}  ${line}\n`);
      if (lines.length > 0 || event.type === 'summary') rest();
    },
    end() {
      clearTimeout(timer);
      const closing = renderSummary(view, {
        color,
        width,
        frame,
        ...(pasteable === undefined ? {} : { pasteable }),
      });
      if (closing !== '') write(`\n${closing}\n`);
    },
  };
}

const stamp = (view: View, at: Instant): string => stopwatch(at - view.startedAt);

/** The lines that one event is worth, without the time; none for what only moves a bar. */
export function eventLines(
  before: View,
  view: View,
  event: Event,
  paint: Paint,
  pasteable: Pasteable = byName(view.environment),
): readonly string[] {
  switch (event.type) {
    case 'run_started':
      return [startText(view)];
    case 'step_started':
    case 'step_done':
    case 'step_failed':
      return stepLines(before, view, event, paint);
    case 'step_output': {
      const last = view.output.at(-1);
      return last === undefined
        ? []
        : [`  | ${last.host === undefined ? last.verb : hostsText([last.host])}: ${last.line}`];
    }
    case 'step_progress':
    case 'traffic':
      return [];
    case 'paused':
      return [`${paint.yellow('paused')}: ${view.reason ?? ''}`];
    case 'verdict':
      return verdictLines(before, view, event, paint);
    case 'approval_needed':
      return [
        `${paint.yellow('waits for approval')} of ${visible(event.service)} at ${event.sharePercent}%: ${pasteable('deployctl promote ENV, or deployctl abort ENV')}`,
      ];
    case 'promoted':
      return [`promoted by ${visible(event.by)}${event.full ? ', with every wait that is left' : ''}`];
    case 'left_out':
      return [
        `${paint.yellow('left out')}: ${visible(event.host)} of ${visible(event.service)}, ${event.failed} of at most ${event.most}; it stays out of the pool`,
      ];
    case 'continued':
      return [`continued by ${visible(event.by)}`];
    case 'reverting':
      return [
        `${paint.red('reverting')}: ${view.reason ?? ''}; ${counted(event.steps.length, 'step')} to undo`,
      ];
    case 'stopping':
      return [`${paint.yellow('stopping')} after the steps in hand: ${view.reason ?? ''}`];
    // Framed by the caller, which has the lines of source; the closing words come with the end.
    case 'diagnostic':
    case 'summary':
      return [];
  }
}

function startText(view: View): string {
  const again = view.isResumed ? `resumed with ${view.stepsDone} of ` : '';
  const steps = view.isResumed
    ? `${counted(view.stepsTotal, 'step')} done`
    : counted(view.stepsTotal, 'step');
  const hosts = new Set(view.phases.flatMap((phase) => phase.hosts)).size;
  const where = hosts === 0 ? '' : ` on ${counted(hosts, 'host')}`;
  return `run ${view.run} in ${view.environment}: ${view.title}, ${again}${steps}${where}`;
}

function stepLines(
  before: View,
  view: View,
  event: Extract<Event, { type: 'step_started' | 'step_done' | 'step_failed' }>,
  paint: Paint,
): readonly string[] {
  const place = view.places.get(event.step);
  const phase = place === undefined ? undefined : view.phases[place.phase];
  const last = place === undefined ? undefined : before.phases[place.phase];
  if (place === undefined || phase === undefined || last === undefined) return [];
  const number = String(phase.number).padStart(String(view.phases.length).length);
  const label = `${number}/${view.phases.length} ${phase.verb.padEnd(9)}`;
  const host = place.host === undefined ? '' : `${hostsText([place.host])} `;
  switch (event.type) {
    case 'step_started':
      // Undoing tells its ends only: its beginning was announced as a whole.
      if (event.undoing || last.startedAt !== undefined) return [];
      return [`${label} ${phaseText({ phase, hosts: phase.hosts })}`];
    case 'step_done': {
      const count = event.undoing ? phase.undone : phase.done;
      const was = event.undoing ? last.undone : last.done;
      if (phase.total > mostSingle && quarter(count, phase.total) === quarter(was, phase.total)) return [];
      const word = event.undoing ? 'undone' : event.unchanged ? 'was done already' : 'done';
      const symbol = event.undoing ? paint.yellow('↶') : paint.green('✔');
      if (phase.total > mostSingle) return [`${label} ${symbol} ${count} of ${phase.total} ${word}`];
      const of = phase.total === 1 ? '' : `, ${count} of ${phase.total}`;
      const line = `${label} ${symbol} ${host}${word}${of} (${elapsedText(event.elapsedMs)})`;
      return [event.undoing ? line : `${line}${gateText(view, event.step)}`];
    }
    case 'step_failed': {
      const failed = view.failures.at(-1);
      const what = event.undoing ? 'could not be undone' : 'failed';
      const head = `${label} ${paint.red('✖')} ${host}${what} after ${elapsedText(event.elapsedMs)}`;
      return failed === undefined
        ? [head]
        : sentenceLines(`${head}: ${failed.failure.summary}`, failed.failure.detail);
    }
  }
}

/** What the balancer counted while a gate was open: told at its end. */
function gateText(view: View, step: StepId): string {
  const place = view.places.get(step)?.rung;
  const rung = place === undefined ? undefined : view.ladders[place.ladder]?.rungs[place.rung];
  if (rung === undefined || !rung.gates.has(step)) return '';
  const seen = seenText(rung);
  return seen === '' ? '' : ` · wanted ${rung.sharePercent}%, ${seen}`;
}

/** Told when it changes: the reason behind it changes with every request. */
function verdictLines(
  before: View,
  view: View,
  event: Extract<Event, { type: 'verdict' }>,
  paint: Paint,
): readonly string[] {
  const last = before.verdicts.find(({ service }) => service === event.service);
  const now = view.verdicts.find(({ service }) => service === event.service);
  const isTold =
    last?.step === now?.step &&
    last?.verdict === now?.verdict &&
    last?.dryRun?.verdict === now?.dryRun?.verdict;
  if (now === undefined || isTold) return [];
  return verdictTexts(now).map(({ text, verdict }) => `analysis  ${paintVerdict(text, verdict, paint)}`);
}

const quarter = (count: number, total: number): number => Math.floor((4 * count) / total);

const sentenceLines = (head: string, detail: string): readonly string[] => [
  head,
  ...detail
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `    ${line}`),
];

/** What it waits for: told when nothing else was for a while. */
export function stillText(view: View, now: Instant): string {
  if (view.mode === 'paused') return `still paused: ${view.reason ?? ''}`;
  const busy = view.phases.filter((phase) => phase.running.length > 0);
  if (busy.length === 0) return `still at step ${currentPhase(view)} of ${view.phases.length}`;
  return `still ${busy.map((phase) => busyText(phase, now)).join('; ')}`;
}

function busyText(phase: PhaseView, now: Instant): string {
  const hosts = phase.running.map(({ host }) => host).filter((host) => host !== undefined);
  const where = hosts.length === 0 ? '' : ` on ${hostsText(hosts)}`;
  const [first] = phase.running;
  const since = Math.min(...phase.running.map((step) => step.since));
  const progress = first?.progress === undefined ? '' : `, ${progressText(phase.running, first.progress)}`;
  const undoing = first?.undoing === true ? 'undoing ' : '';
  return `${undoing}${phase.verb}${where} for ${elapsedText(now - since)}${progress}`;
}

/** One step's own words, or for several steps how many of them tell something. */
export const progressText = (
  running: readonly RunningStep[],
  first: NonNullable<RunningStep['progress']>,
): string => (running.length === 1 ? first.text : `${first.text} on ${running[0]?.host ?? 'the first'}`);
