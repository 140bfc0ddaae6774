/**
 * What a run does, line by line: a phase, or a stage of a canary or of a rolling upgrade, which stands for all of its
 * phases.
 */
import { bytesText } from '../model/bytes-text.ts';
import type { Instant } from '../model/index.ts';
import { barText } from './bar.ts';
import type { PhaseView, RunningStep, View } from './fold.ts';
import { hostsText } from './hosts-text.ts';
import { clip, columns, padEnd, spread } from './layout.ts';
import type { Paint } from './paint.ts';
import { type PhaseState, phaseFraction, phaseState } from './progress.ts';
import { rungBody } from './rollout-rung.ts';
import { durationText, elapsedText } from './time-text.ts';

export const symbols: Readonly<Record<PhaseState, string>> = {
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

interface Item {
  readonly state: PhaseState;
  readonly verb: string;
  /** In at most about so many columns; it is cut where it is longer. */
  readonly body: (room: number) => string;
  readonly time: string;
}

/** One for each phase; in the place of those of a ladder, one for each of its stages. */
function itemsOf(view: View, now: Instant): readonly Item[] {
  const told = new Set<number>();
  return view.phases.flatMap((phase): readonly Item[] => {
    const { ladder: at } = phase;
    const ladder = at === undefined ? undefined : view.ladders[at];
    if (at === undefined || ladder === undefined) return [phaseItem(phase, now)];
    if (told.has(at)) return [];
    told.add(at);
    return ladder.rungs.map((rung) => ({
      state: phaseState(rung),
      verb: `${ladder.word} ${ladder.kind === 'canary' ? `${rung.sharePercent}%` : rung.number}`,
      body: (room) => rungBody(rung, ladder, view, room, now),
      time: timeText(rung, now),
    }));
  });
}

const phaseItem = (phase: PhaseView, now: Instant): Item => {
  const state = phaseState(phase);
  return {
    state,
    verb: phase.verb,
    body: (room) => phaseBody(phase, state, room, now),
    time:
      phase.total === 1 && state !== 'running' && phase.undone === 0 && phase.endedAt !== undefined
        ? elapsedText(phase.longestMs)
        : timeText(phase, now),
  };
};

/** At most `room` lines: what is in hand with what is around it, the rest counted above and below. */
export function workLines(
  view: View,
  room: number,
  width: number,
  now: Instant,
  paint: Paint,
): readonly string[] {
  const items = itemsOf(view, now);
  const verbs = Math.min(12, Math.max(0, ...items.map(({ verb }) => columns(verb)))) + 2;
  const line = (item: Item): string => itemLine(item, verbs, width, paint);
  if (items.length <= room) return items.map(line);
  const at = focus(items);
  if (room < 3)
    return items
      .slice(at, at + 1)
      .map(line)
      .slice(0, Math.max(0, room));
  // A line of counts above, below or both, and the window between them around what is in hand.
  const isAtTop = at < room - 2;
  const isAtBottom = at > items.length - room + 1;
  const inside = isAtTop || isAtBottom ? room - 1 : room - 2;
  const start = isAtTop ? 0 : isAtBottom ? items.length - inside : at - Math.floor(inside / 2);
  const rest = (word: string, hidden: readonly Item[]): readonly string[] =>
    hidden.length === 0
      ? []
      : [paint.dim(clip(`   … ${hidden.length} ${word}, ${stateCounts(hidden)}`, width))];
  return [
    ...rest('above', items.slice(0, start)),
    ...items.slice(start, start + inside).map(line),
    ...rest('below', items.slice(start + inside)),
  ];
}

/** How many lines all of it needs. */
export const workLength = (view: View): number => itemsOf(view, view.at).length;

/** Where the eye should be: what runs, then what failed, then what comes. */
function focus(items: readonly Item[]): number {
  const states = items.map(({ state }) => state);
  for (const state of ['running', 'failed', 'partly', 'waiting'] as const) {
    const at = states.indexOf(state);
    if (at >= 0) return at;
  }
  return Math.max(0, items.length - 1);
}

function stateCounts(items: readonly Item[]): string {
  const counts = Map.groupBy(items, ({ state }) => state);
  return [...counts].map(([state, each]) => `${each.length} ${state}`).join(', ');
}

function itemLine({ state, verb, body, time }: Item, verbs: number, width: number, paint: Paint): string {
  const head = `   ${symbols[state]} ${padEnd(clip(verb, verbs - 1), verbs)}`;
  const parts = spread(head + body(width - columns(head)), time === '' ? [] : [time], width);
  const rest = parts.right === '' ? parts.left.slice(5).trimEnd() : parts.left.slice(5);
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

function timeText(
  work: Pick<PhaseView, 'running' | 'startedAt' | 'endedAt' | 'undone'>,
  now: Instant,
): string {
  const { running, startedAt, endedAt, undone } = work;
  if (running.length > 0) {
    const since = running.some(({ undoing }) => undoing)
      ? Math.min(...running.map((step) => step.since))
      : startedAt;
    return since === undefined ? '' : durationText(Math.max(1, Math.round((now - since) / 1000)));
  }
  if (startedAt === undefined || endedAt === undefined || undone > 0) return '';
  return elapsedText(endedAt - startedAt);
}
