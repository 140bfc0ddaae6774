/** One run, as it went: who, when, with which command, how each step ended, and what it left. */
import type {
  Address,
  Deployment,
  Diagnostic,
  InstanceState,
  Instant,
  JournalEntry,
  Plan,
  Run,
  SlotDeclared,
} from '../model/index.ts';
import { releaseDirectory } from '../model/index.ts';
import { fateOf, fateText, intentText } from './deployment-text.ts';
import { diagnosticJson } from './diagnostic-json.ts';
import { deploymentJson, paintFate, runJson } from './history-text.ts';
import {
  type PhaseHistory,
  phaseHistories,
  type StepFate,
  type StepHistory,
  stepHistories,
} from './journal-view.ts';
import { hang } from './layout.ts';
import { noteLines } from './note-text.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { stepJson } from './plan-json.ts';
import { printable } from './printable.ts';
import { phaseText } from './steps-text.ts';
import { tableLines } from './table.ts';
import { agoText, dateText, durationText, elapsedText, isoTime } from './time-text.ts';

export interface RunRecord {
  readonly run: Run;
  /** Whether it goes on now, be it for the first time or resumed. */
  readonly isRunning: boolean;
  readonly plan: Plan;
  readonly journal: readonly JournalEntry[];
  /** Only of a run that completed. */
  readonly deployment: Deployment | undefined;
  /** What stood in the slots when it was done, by the address of the instance; null: nothing. undefined: not known. */
  readonly standing?: ReadonlyMap<Address, InstanceState | null> | undefined;
}

export interface ShowTextOptions {
  readonly color: boolean;
  readonly width: number;
  readonly now: Instant;
  /** Frames the failures. */
  readonly frame: (diagnostic: Diagnostic) => string;
}

/** Ends without a line end. */
export function renderRun(record: RunRecord, { color, width: wanted, now, frame }: ShowTextOptions): string {
  const paint = paintOf(color);
  const width = Math.max(48, wanted);
  const phases = phaseHistories(record.plan, record.journal);
  const sections = [
    headLines(record, now, paint, width),
    phaseLines(phases, paint, width),
    noteLines(record.journal, phases, width),
    ...failuresOf(phases).map((failure) => [frame(failure).trimEnd()]),
    record.deployment === undefined ? [] : releaseLines(record.deployment, record.standing, paint, width),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function headLines(
  { run, plan, isRunning }: RunRecord,
  now: Instant,
  paint: Paint,
  width: number,
): readonly string[] {
  const fate = fateOf(run, isRunning);
  const took =
    run.endedAt === undefined || isRunning
      ? ''
      : ` after ${durationText((run.endedAt - run.startedAt) / 1000)}`;
  const field = (name: string, text: string): readonly string[] =>
    hang(`  ${name.padEnd(9)}`, printable(text), width);
  return [
    `${paint.bold(printable(`Run ${run.run} in ${plan.environment}`))}: ${paintFate(fate, fateText[fate], paint)}${took}`,
    ...field('by', run.actor.who),
    ...field('at', `${dateText(run.startedAt)} (${agoText(run.startedAt, now)})`),
    ...field('command', run.actor.command),
    ...(run.intent.kind === 'apply' ? [] : field('intent', intentText(run.intent))),
    ...field('plan', run.planDigest.slice(0, 12)),
  ];
}

const symbolOf: Readonly<Record<StepFate, string>> = {
  not_started: '○',
  unfinished: '●',
  done: '✔',
  failed: '✖',
  undoing: '↶',
  undone: '↶',
};

const wordOf: Readonly<Record<StepFate, string>> = {
  not_started: 'not started',
  unfinished: 'begun, end unknown',
  done: 'done',
  failed: 'failed',
  undoing: 'being undone',
  undone: 'undone',
};

/** Steps that failed and were undone: their last mark alone does not tell. */
const hadFailed = (steps: readonly StepHistory[]): number =>
  steps.filter(({ fate, failure }) => failure !== undefined && (fate === 'undone' || fate === 'undoing'))
    .length;

/** What is worth knowing first decides the symbol of the whole phase. */
const gravest: readonly StepFate[] = ['failed', 'unfinished', 'undoing', 'undone', 'not_started', 'done'];

function phaseLines(phases: readonly PhaseHistory[], paint: Paint, width: number): readonly string[] {
  const fates = phases.map(({ counts, steps }) =>
    hadFailed(steps) > 0 ? 'failed' : (gravest.find((fate) => (counts[fate] ?? 0) > 0) ?? 'not_started'),
  );
  const rows = phases.map(({ phase, counts, elapsedMs, steps }, at) => {
    const parts = gravest.toReversed().filter((fate) => (counts[fate] ?? 0) > 0);
    const how =
      parts.length === 1 && steps.length === 1
        ? wordOf[parts[0] ?? 'done']
        : parts.map((fate) => `${counts[fate]} ${wordOf[fate]}`).join(', ');
    const failed = hadFailed(steps);
    const after = failed === 0 ? '' : steps.length === 1 ? ' after it failed' : ` (${failed} had failed)`;
    return printable([
      `  ${symbolOf[fates[at] ?? 'done']} ${phase.number}`,
      phase.phase.verb,
      how + after,
      elapsedMs === undefined ? '-' : elapsedText(elapsedMs),
      phaseText(phase),
    ]);
  });
  const heads = [
    { title: '  step' },
    { title: '' },
    { title: 'went' },
    { title: 'took', align: 'end' },
    { title: '' },
  ] as const;
  return tableLines(heads, rows, paint, width, (text, row, column) => {
    const fate = fates[row];
    if (column !== 0) return text;
    return fate === 'done' ? paint.green(text) : fate === 'failed' ? paint.red(text) : paint.yellow(text);
  });
}

/** Each failure once, though many hosts may have had it. */
function failuresOf(phases: readonly PhaseHistory[]): readonly Diagnostic[] {
  const failures = phases.flatMap(({ steps }) =>
    steps.flatMap(({ failure, undoFailure }) => [failure, undoFailure]).filter((each) => each !== undefined),
  );
  const distinct = new Map(failures.map((failure) => [`${failure.code}\n${failure.detail}`, failure]));
  return [...distinct.values()]
    .slice(0, mostFailures)
    .map((failure) => printable(failure, { newlines: true }));
}

/** A fleet that fails as a whole would else print its frame hundreds of times; --json has them all. */
const mostFailures = 5;

function releaseLines(
  { number, declared }: Deployment,
  standing: RunRecord['standing'],
  paint: Paint,
  width: number,
): readonly string[] {
  const rows = declared.services.map(({ name, release, slots }) =>
    printable([
      `  ${name}`,
      release.version,
      releaseDirectory(release),
      slots.flatMap((slot) => slotTexts(slot, releaseDirectory(release), standing)).join(', '),
    ]),
  );
  const heads = [
    { title: `Deployment ${number}` },
    { title: 'release' },
    { title: 'folder' },
    { title: 'hosts' },
  ];
  return tableLines(heads, rows, paint, width);
}

/** `green on 3`, `blue 1.0.0 on 3`, `blue 1.0.0 stopped on 3`; nothing of a slot where nothing stood. */
function slotTexts(
  { name, instances }: SlotDeclared,
  release: string,
  standing: RunRecord['standing'] = new Map(),
): readonly string[] {
  const alike = Map.groupBy(instances, ({ address, process }) => {
    const state = standing.get(address);
    if (state === undefined) return name;
    const there = state?.running?.release ?? state?.linked ?? undefined;
    if (there === undefined) return undefined;
    const version = there === release ? '' : ` ${there.replace(/-[0-9a-f]{8}$/, '')}`;
    const isStopped = state?.running === null && process !== undefined;
    return `${name}${version}${isStopped ? ' stopped' : ''}`;
  });
  return [...alike].flatMap(([text, each]) => (text === undefined ? [] : [`${text} on ${each.length}`]));
}

/** `show RUN --json`. */
export const runRecordJson = ({ run, isRunning, plan, journal, deployment }: RunRecord) => ({
  format_version: '1.0',
  environment: plan.environment,
  ...runJson(run, isRunning),
  steps: stepHistories(plan, journal).map(({ step, fate, elapsedMs, attempts, failure }) => ({
    ...stepJson(step),
    fate,
    elapsed_ms: elapsedMs ?? null,
    attempts,
    failure: failure === undefined ? null : diagnosticJson(failure),
  })),
  notes: journal
    .filter(({ mark }) => mark === 'note')
    .map(({ at, detail }) => ({ at: isoTime(at), detail: detail ?? null })),
  deployment: deploymentJson(deployment),
});
