/**
 * A run on a terminal, as lines: pure, so that every size and every moment can be tested as text. What does not fit
 * is told by a count, in this order of worth: header, keys, what is wrong, the phase in hand, traffic, other phases,
 * output.
 */
import type { Instant } from '../model/index.ts';
import type { PhaseView, RunningStep, View } from './fold.ts';
import { hostsText } from './hosts-text.ts';
import { clip, columns, padEnd, padStart } from './layout.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { currentPhase, type PhaseState, phaseFraction, phaseState, secondsLeft } from './progress.ts';
import type { Screen } from './rollout-keys.ts';
import {
  bytesText,
  counted,
  durationText,
  elapsedText,
  listText,
  stopwatch,
  thousands,
} from './time-text.ts';
import { type PoolView, sparkline } from './traffic-view.ts';

export interface Frame {
  readonly width: number;
  /** Rows there are; there are never more lines. At least 6 are needed to be of use. */
  readonly height: number;
  readonly color: boolean;
  readonly now: Instant;
  readonly screen: Screen;
}

/** What is on the screen while the run goes on. No line is wider than the frame. */
export function rolloutLines(view: View, frame: Frame): readonly string[] {
  const paint = paintOf(frame.color);
  const width = Math.max(20, frame.width - 1);
  const header = [headerLine(view, frame.now, width, paint), ''];
  const footer = ['', footerLine(view, frame.screen, width, paint)];
  const room = Math.max(0, frame.height - header.length - footer.length);
  if (frame.screen.isHelp) return atMost([...header, ...helpLines(width, room), ...footer], frame.height);
  const trouble = troubleLines(view, width, paint).slice(0, Math.max(1, Math.floor(room / 3)));
  const traffic = trafficLines(view.traffic, width, paint);
  const details = frame.screen.isDetailed ? Math.min(8, Math.floor(room / 3)) : 0;
  const left = room - trouble.length - details;
  const shownTraffic =
    traffic.length > 0 && left - traffic.length >= Math.min(4, view.phases.length) ? traffic : [];
  const phases = phaseLines(view, left - shownTraffic.length, width, frame.now, paint);
  const used = trouble.length + shownTraffic.length + phases.length;
  const output = outputLines(view, frame.screen.isDetailed ? Math.min(12, room - used) : 0, width, paint);
  return atMost([...header, ...phases, ...shownTraffic, ...trouble, ...output, ...footer], frame.height);
}

/** What stays in the scrollback: every phase, how it went, and no keys. */
export function finalLines(view: View, frame: Pick<Frame, 'width' | 'color' | 'now'>): readonly string[] {
  const paint = paintOf(frame.color);
  const width = Math.max(20, frame.width - 1);
  return [
    headerLine(view, frame.now, width, paint),
    '',
    ...phaseLines(view, view.phases.length, width, frame.now, paint),
    ...trafficLines(view.traffic, width, paint),
    '',
  ];
}

const atMost = (lines: readonly string[], height: number): readonly string[] =>
  lines.length <= height ? lines : [...lines.slice(0, Math.max(0, height - 1)), ...lines.slice(-1)];

/** Left, and flush with the edge the first of `rights` that leaves the left `least` columns; the left is cut to fit. */
function spread(
  left: string,
  rights: readonly string[],
  width: number,
  least = 16,
): { readonly left: string; readonly right: string } {
  const right = rights.find((each) => width - columns(each) - 2 >= Math.min(least, columns(left))) ?? '';
  if (right === '') return { left: clip(left, width), right };
  const room = width - columns(right) - 2;
  return { left: padEnd(clip(left, room), room + 2), right };
}

function headerLine(view: View, now: Instant, width: number, paint: Paint): string {
  if (view.run === undefined) return ' starting';
  const left = [view.environment, `run ${view.run}`, view.title, view.strategies]
    .filter((each) => each !== '')
    .join(' · ');
  const elapsed = stopwatch((view.summary === undefined ? now : view.at) - view.startedAt);
  const seconds = secondsLeft(view, now);
  const remaining =
    seconds === undefined
      ? (view.summary?.outcome ?? modeWords[view.mode])
      : `${durationText(Math.max(1, Math.round(seconds)))} left`;
  const step = currentPhase(view);
  const rights = [
    [`step ${step} of ${view.phases.length}`, elapsed, remaining].filter((each) => each !== '').join(' · '),
    `${step}/${view.phases.length} · ${elapsed}`,
    elapsed,
  ];
  const parts = spread(` ${left}`, rights, width, 24);
  return `${paint.bold(parts.left)}${parts.right}`;
}

const modeWords: Readonly<Record<View['mode'], string>> = {
  waiting: '',
  running: '',
  paused: 'paused',
  stopping: 'stopping',
  reverting: 'reverting',
  ended: 'ended',
};

// ── the ladder of phases ───────────────────────────────────────────────────────────────────────────

const symbols: Readonly<Record<PhaseState, string>> = {
  done: '✔',
  running: '●',
  waiting: '○',
  partly: '◐',
  failed: '✖',
  undone: '↶',
};

const paintState = (state: PhaseState, text: string, paint: Paint): string => {
  switch (state) {
    case 'done':
      return paint.green(text);
    case 'running':
      return paint.cyan(text);
    case 'failed':
      return paint.red(text);
    case 'undone':
    case 'partly':
      return paint.yellow(text);
    case 'waiting':
      return paint.dim(text);
  }
};

/** At most `room` lines: the phase in hand with what is around it, the others counted above and below. */
function phaseLines(view: View, room: number, width: number, now: Instant, paint: Paint): readonly string[] {
  const { phases } = view;
  const verbs = Math.min(11, Math.max(0, ...phases.map(({ verb }) => columns(verb)))) + 2;
  const line = (phase: PhaseView): string => phaseLine(phase, verbs, width, now, paint);
  if (phases.length <= room) return phases.map(line);
  if (room < 3)
    return phases
      .filter((_, at) => at === focus(view))
      .map(line)
      .slice(0, Math.max(0, room));
  // A line of counts above, below or both, and the window between them around the phase in hand.
  const at = focus(view);
  const isAtTop = at < room - 2;
  const isAtBottom = at > phases.length - room + 1;
  const inside = isAtTop || isAtBottom ? room - 1 : room - 2;
  const start = isAtTop ? 0 : isAtBottom ? phases.length - inside : at - Math.floor(inside / 2);
  const rest = (word: string, hidden: readonly PhaseView[]): readonly string[] =>
    hidden.length === 0
      ? []
      : [paint.dim(clip(`   … ${hidden.length} ${word}, ${stateCounts(hidden)}`, width))];
  return [
    ...rest('above', phases.slice(0, start)),
    ...phases.slice(start, start + inside).map(line),
    ...rest('below', phases.slice(start + inside)),
  ];
}

/** Where the eye should be: what failed, then what runs, then what comes. */
function focus(view: View): number {
  const states = view.phases.map(phaseState);
  const running = states.indexOf('running');
  if (running >= 0) return running;
  const failed = states.indexOf('failed');
  return failed >= 0 ? failed : Math.max(0, currentPhase(view) - 1);
}

function stateCounts(phases: readonly PhaseView[]): string {
  const counts = Map.groupBy(phases, phaseState);
  return [...counts].map(([state, each]) => `${each.length} ${state}`).join(', ');
}

function phaseLine(phase: PhaseView, verbs: number, width: number, now: Instant, paint: Paint): string {
  const state = phaseState(phase);
  const head = `   ${symbols[state]} ${padEnd(clip(phase.verb, verbs - 1), verbs)}`;
  const body = phaseBody(phase, state, width - columns(head), now);
  const time = phaseTime(phase, state, now);
  const parts = spread(head + body, time === '' ? [] : [time], width);
  const rest = parts.left.slice(5);
  const text = state === 'waiting' ? paint.dim(rest) : rest;
  return `   ${paintState(state, symbols[state], paint)} ${text}${parts.right}`;
}

function phaseBody(phase: PhaseView, state: PhaseState, room: number, now: Instant): string {
  const { done, total, failed, undone, unchanged, title } = phase;
  const of = total === 1 ? '' : `${done} of ${total}`;
  switch (state) {
    case 'waiting':
      return title;
    case 'done': {
      const same =
        unchanged === 0 ? '' : unchanged === total ? 'was so already' : `${unchanged} were so already`;
      return [of, same, title].filter((each) => each !== '').join(' · ');
    }
    case 'partly':
      return [of, title].filter((each) => each !== '').join(' · ');
    case 'failed': {
      const hosts = failed.map(({ host }) => host).filter((host) => host !== undefined);
      const where = hosts.length === 0 ? '' : `: ${hostsText(hosts)}`;
      const back = undone === 0 ? '' : `, ${undone} undone`;
      return `${failed.length} of ${total} failed${where}${of === '' ? '' : `, ${done} done`}${back}`;
    }
    case 'undone':
      return `${undone} of ${total} undone · ${title}`;
    case 'running':
      return runningBody(phase, room, now);
  }
}

function runningBody(phase: PhaseView, room: number, now: Instant): string {
  const { running, done, total, undone, failed } = phase;
  const hosts = running.map(({ host }) => host).filter((host) => host !== undefined);
  const isUndoing = running.some(({ undoing }) => undoing);
  const [first] = running;
  const count = isUndoing ? `${undone} of ${total} undone` : total === 1 ? '' : `${done} of ${total}`;
  const failures = failed.length === 0 ? '' : `${failed.length} failed`;
  const single = running.length === 1 ? (first?.progress?.text ?? '') : sentText(running);
  const where = hosts.length === 0 ? '' : `now ${hostsText(hosts)}`;
  const words = [count, failures, single, where].filter((each) => each !== '').join(' · ');
  const cells = Math.min(33, Math.max(10, room - columns(words) - 14));
  return `${barText(isUndoing ? undone / total : phaseFraction(phase, now), cells)}  ${words}`.trimEnd();
}

/** Of several transfers the sum; what else steps count does not add up. */
function sentText(running: readonly RunningStep[]): string {
  const transfers = running.map(({ progress }) => progress).filter((each) => each?.unit === 'bytes');
  if (transfers.length === 0) return '';
  const sum = (pick: 'done' | 'total'): number =>
    transfers.reduce((total, each) => total + (each?.[pick] ?? 0), 0);
  return `${bytesText(sum('done'))} of ${bytesText(sum('total'))}`;
}

/** `━━━━╸━━━`: what is left of `╸` is done. */
export function barText(fraction: number, cells: number): string {
  const filled = Math.max(0, Math.min(cells - 1, Math.floor(fraction * cells)));
  return `${'━'.repeat(filled)}╸${'─'.repeat(cells - filled - 1)}`;
}

function phaseTime(phase: PhaseView, state: PhaseState, now: Instant): string {
  if (state === 'running') {
    const since = phase.running.some(({ undoing }) => undoing)
      ? Math.min(...phase.running.map((step) => step.since))
      : phase.startedAt;
    return since === undefined ? '' : durationText(Math.max(1, Math.round((now - since) / 1000)));
  }
  if (phase.startedAt === undefined || phase.endedAt === undefined || phase.undone > 0) return '';
  return elapsedText(phase.total === 1 ? phase.longestMs : phase.endedAt - phase.startedAt);
}

// ── traffic ────────────────────────────────────────────────────────────────────────────────────────

/** Pools beyond this many are only counted: those that serve most are shown. */
const mostPools = 6;

function trafficLines(pools: readonly PoolView[], width: number, paint: Paint): readonly string[] {
  if (pools.length === 0) return [];
  const busiest = pools
    .toSorted((left, right) => (right.requestsPerSecond ?? 0) - (left.requestsPerSecond ?? 0))
    .slice(0, mostPools);
  const shown = pools.filter((pool) => busiest.includes(pool));
  const names = Math.min(24, Math.max(12, ...shown.map(({ pool }) => columns(pool))));
  const all = shown.flatMap(({ history }) => history);
  const row = (
    name: string,
    share: string,
    rate: string,
    errors: string,
    sessions: string,
    line = '',
  ): string =>
    clip(
      `   ${padEnd(clip(name, names), names)} ${padStart(share, 7)} ${padStart(rate, 8)} ${padStart(errors, 9)} ${padStart(sessions, 9)}   ${line}`.trimEnd(),
      width,
    );
  const more = pools.length - shown.length;
  return [
    '',
    paint.dim(row('', 'share', 'req/s', 'errors', 'sessions')),
    ...shown.map((pool) =>
      row(
        pool.pool,
        pool.sharePercent === undefined ? '-' : `${pool.sharePercent}%`,
        pool.requestsPerSecond === undefined ? '-' : thousands(Math.round(pool.requestsPerSecond)),
        pool.requests === 0 ? '-' : `${((100 * pool.failed) / pool.requests).toFixed(2)}%`,
        thousands(pool.sessions),
        sparkline(pool.history, all),
      ),
    ),
    ...(more > 0 ? [paint.dim(`   and ${counted(more, 'more pool')}`)] : []),
  ];
}

// ── what is wrong, and what was printed ────────────────────────────────────────────────────────────

function troubleLines(view: View, width: number, paint: Paint): readonly string[] {
  const banner =
    view.mode === 'paused' || view.mode === 'stopping' || view.mode === 'reverting'
      ? [paint.yellow(clip(` ${bannerText(view)}`, width))]
      : [];
  const alike = [
    ...Map.groupBy(view.failures, ({ verb, failure }) => `${verb}\n${failure.summary}`).values(),
  ];
  const failures = alike.slice(-3).flatMap((failed) => {
    const [first] = failed;
    if (first === undefined) return [];
    const hosts = failed.map(({ host }) => host).filter((host) => host !== undefined);
    const where = hosts.length === 0 ? '' : ` on ${hostsText(hosts)}`;
    const [detail = ''] = first.failure.detail.split('\n');
    return [
      paint.red(clip(` ✖ ${first.verb}${where}: ${first.failure.summary}`, width)),
      clip(`   ${detail}`, width),
    ];
  });
  const warnings = view.diagnostics
    .slice(-1)
    .map(({ severity, summary }) => paint.yellow(clip(` ${severity}: ${summary}`, width)));
  const lines = [...banner, ...failures, ...warnings];
  return lines.length === 0 ? [] : ['', ...lines];
}

function bannerText(view: View): string {
  const reason = view.reason === undefined || view.reason === '' ? '' : `: ${view.reason}`;
  switch (view.mode) {
    case 'paused':
      return `Paused${reason}. Nothing new starts until you continue.`;
    case 'stopping':
      return `Stopping after the steps in hand${reason}`;
    default:
      return `Undoing, ${view.stepsUndone} of ${counted(view.stepsToUndo, 'step')}${reason}`;
  }
}

function outputLines(view: View, room: number, width: number, paint: Paint): readonly string[] {
  if (room < 2) return [];
  const lines = view.output
    .slice(-(room - 1))
    .map(({ host, verb, line }) =>
      clip(`   ${host === undefined ? verb : hostsText([host])} │ ${line}`, width),
    );
  return ['', ...(lines.length === 0 ? [paint.dim('   nothing was printed yet')] : lines)];
}

// ── keys ───────────────────────────────────────────────────────────────────────────────────────────

function footerLine(view: View, screen: Screen, width: number, paint: Paint): string {
  if (screen.isConfirming) {
    return paint.bold(clip(` Abort, and undo ${undoText(view)}?  y yes   n no`, width));
  }
  const keys = [
    ...(view.mode === 'running' ? ['p pause'] : []),
    ...(view.mode === 'paused' ? ['c continue'] : []),
    ...(view.mode === 'running' || view.mode === 'paused' ? [`a abort (undoes ${undoText(view)})`] : []),
    screen.isDetailed ? 'enter less' : 'enter details',
    '? help',
  ];
  return paint.dim(clip(` ${keys.join('   ')}`, width));
}

const undoText = (view: View): string => counted(view.stepsDone, 'step');

function helpLines(width: number, room: number): readonly string[] {
  const signs = (['done', 'running', 'waiting', 'failed', 'undone'] as const).map(
    (state) => `${symbols[state]} ${state}`,
  );
  return [
    ' p       pause: what is in hand goes on, nothing new starts',
    ' c       continue after a pause',
    ' a       abort: finish what is in hand, then undo everything that was done (asks first)',
    ' enter   show or hide what hooks and processes print',
    ' Ctrl-C  stop after the steps in hand; the run can be resumed. Twice: stop at once',
    ' ?       back to the run',
    '',
    ` ${listText(signs)}`,
  ]
    .slice(0, room)
    .map((line) => clip(line, width));
}
