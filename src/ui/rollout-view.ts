/**
 * A run on a terminal, as lines: pure, so that every size and every moment can be tested as text. What does not fit
 * is told by a count, in this order of worth: header, keys, what is wrong, the phase in hand, traffic, other phases,
 * output.
 */
import type { Instant } from '../model/index.ts';
import { visible } from '../model/visible.ts';
import type { View } from './fold.ts';
import { hostsText } from './hosts-text.ts';
import { clip, spread, wrap } from './layout.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { byName, type Pasteable } from './pasteable.ts';
import { currentPhase, secondsLeft } from './progress.ts';
import { footerLine, helpLines, waitingText } from './rollout-footer.ts';
import type { Screen } from './rollout-keys.ts';
import { workLength, workLines } from './rollout-lines.ts';
import { trafficLines } from './rollout-traffic.ts';
import { counted, durationText, stopwatch } from './time-text.ts';
import { paintVerdict, verdictTexts } from './verdict-view.ts';

export interface Frame {
  readonly width: number;
  /** Rows there are; there are never more lines. At least 6 are needed to be of use. */
  readonly height: number;
  readonly color: boolean;
  readonly now: Instant;
  readonly screen: Screen;
  /** Fills in the commands that are told; without it the environment is called by its name. */
  readonly pasteable?: Pasteable | undefined;
}

/** What is on the screen while the run goes on. No line is wider than the frame. */
export function rolloutLines(view: View, frame: Frame): readonly string[] {
  const paint = paintOf(frame.color);
  const width = Math.max(20, frame.width - 1);
  const header = [headerLine(view, frame.now, width, paint), ''];
  const footer = ['', footerLine(view, frame.screen, width, paint)];
  const room = Math.max(0, frame.height - header.length - footer.length);
  if (frame.screen.isHelp) return atMost([...header, ...helpLines(width, room), ...footer], frame.height);
  const trouble = troubleLines(view, frame, width, paint).slice(0, Math.max(1, Math.floor(room / 3)));
  const traffic = [...trafficLines(view.traffic, width, paint), ...notToldLines(view, width, paint)];
  const details = frame.screen.isDetailed ? Math.min(8, Math.floor(room / 3)) : 0;
  const left = room - trouble.length - details;
  const shownTraffic =
    traffic.length > 0 && left - traffic.length >= Math.min(4, workLength(view)) ? traffic : [];
  const phases = workLines(view, left - shownTraffic.length, width, frame.now, paint);
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
    ...workLines(view, workLength(view), width, frame.now, paint),
    ...notToldLines(view, width, paint),
    ...trafficLines(view.traffic, width, paint),
    '',
  ];
}

const atMost = (lines: readonly string[], height: number): readonly string[] =>
  lines.length <= height ? lines : [...lines.slice(0, Math.max(0, height - 1)), ...lines.slice(-1)];

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
      : view.approvals.length > 0
        ? 'waits for a person'
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

// ── what is wrong, and what was printed ────────────────────────────────────────────────────────────

function troubleLines(view: View, frame: Frame, width: number, paint: Paint): readonly string[] {
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
    const [, ...more] = wrap(detail, width - 3);
    return [
      paint.red(clip(` ✖ ${first.verb}${where}: ${first.failure.summary}`, width)),
      ...wrap(detail, width - 3)
        .slice(0, 2)
        .map((line, at) => clip(`   ${line}${at === 1 && more.length > 1 ? ' …' : ''}`, width)),
    ];
  });
  const warnings = view.diagnostics
    .slice(-1)
    .map(({ severity, summary }) => paint.yellow(clip(` ${severity}: ${summary}`, width)));
  const lines = [
    ...verdictLines(view, width, paint),
    ...approvalLines(view, frame, width, paint),
    ...banner,
    ...failures,
    ...warnings,
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

/** The newest word on each service, while its gate is open or because it ended the run. */
function verdictLines(view: View, width: number, paint: Paint): readonly string[] {
  const open = new Set(view.phases.flatMap(({ running }) => running.map(({ step }) => step)));
  return (
    view.verdicts
      // One that ended the run is told as its failure.
      .filter(({ step, verdict }) => open.has(step) || (verdict === 'fail' && view.failures.length === 0))
      .flatMap((verdict) => {
        const name = view.verdicts.length > 1 ? ` of ${serviceName(verdict.service)}` : '';
        return verdictTexts(verdict).map((told) =>
          paintVerdict(clip(` analysis${name}: ${told.text}`, width), told.verdict, paint),
        );
      })
  );
}

const approvalLines = (
  view: View,
  { pasteable = byName(view.environment) }: Frame,
  width: number,
  paint: Paint,
): readonly string[] =>
  view.approvals.length === 0 || view.mode !== 'running'
    ? []
    : [
        paint.yellow(
          clip(
            ` Waits for a person: ${waitingText(view)}. Press p, or: ${pasteable('deployctl promote ENV')}`,
            width,
          ),
        ),
      ];

/** A canary whose balancer has no counters: that nothing is shown does not mean that nothing went wrong. */
function notToldLines(view: View, width: number, paint: Paint): readonly string[] {
  const untold = view.ladders.filter(
    ({ sides, kind, rungs }) =>
      kind === 'canary' &&
      sides !== undefined &&
      rungs.some(({ done, isOpen }) => done > 0 || isOpen) &&
      !view.traffic.some(({ balancer, pool }) => balancer === sides.balancer && pool === sides.canary),
  );
  const names = [...new Set(untold.map(({ sides }) => serviceName(sides?.balancer ?? '')))];
  return names.map((name) =>
    paint.dim(
      clip(`   requests, errors and shares: not told, ${name} does not count them by release`, width),
    ),
  );
}

/** `service.shop` is shop. */
const serviceName = (address: string): string => visible(address).replace(/^(service|load_balancer)\./, '');

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
