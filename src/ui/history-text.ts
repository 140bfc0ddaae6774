/** Which runs there were: what, by whom, when, and how they ended; the newest last, where the eye is. */
import type { Deployment, Instant, RecordEdit, Run, RunNumber, RunReleases } from '../model/index.ts';
import { fateOf, fateText, intentText, type RunFate, releasesText } from './deployment-text.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';
import { agoText, counted, durationText, isoTime } from './time-text.ts';

export interface HistoryTextOptions {
  readonly color: boolean;
  readonly width: number;
  readonly now: Instant;
}

/** All lists oldest first. */
export interface History {
  readonly runs: readonly Run[];
  /** Changes of the record that no run made. */
  readonly edits: readonly RecordEdit[];
  /** The run that goes on now. */
  readonly running: RunNumber | undefined;
  /** What was to run: of each run in a text, of each that completed in JSON. */
  readonly releases: ReadonlyMap<RunNumber, RunReleases>;
}

/** Ends without a line end. */
export function renderHistory(
  { runs, edits, running, releases }: History,
  { color, width, now }: HistoryTextOptions,
): string {
  const paint = paintOf(color);
  if (runs.length + edits.length === 0) return 'Nothing was deployed yet.';
  const lines = [
    ...runs.map((run) => ({
      at: run.startedAt,
      fate: fateOf(run, run.run === running),
      cells: runCells(run, fateOf(run, run.run === running), releases.get(run.run), now),
    })),
    ...edits.map((edit) => ({ at: edit.at, fate: undefined, cells: editCells(edit, now) })),
  ].toSorted((a, b) => a.at - b.at);
  const heads = [
    { title: 'run', align: 'end' },
    { title: 'when' },
    { title: 'by' },
    { title: 'took', align: 'end' },
    { title: 'outcome' },
    { title: 'what' },
  ] as const;
  const rows = lines.map(({ cells }) => printable(cells));
  return tableLines(heads, rows, paint, width, (text, row, column) => {
    const fate = lines[row]?.fate;
    return column === 4 && fate !== undefined ? paintFate(fate, text, paint) : text;
  }).join('\n');
}

function runCells(
  run: Run,
  fate: RunFate,
  declared: RunReleases | undefined,
  now: Instant,
): readonly string[] {
  return [
    String(run.run),
    agoText(run.startedAt, now),
    run.actor.who,
    run.endedAt === undefined || fate === 'running'
      ? '-'
      : durationText((run.endedAt - run.startedAt) / 1000),
    fateText[fate],
    declared === undefined ? intentText(run.intent) : whatText(run, declared),
  ];
}

const editCells = (edit: RecordEdit, now: Instant): readonly string[] => [
  '-',
  agoText(edit.at, now),
  edit.actor.who,
  '-',
  'record changed',
  editText(edit),
];

function editText({ edit, seen, from, movedTo }: RecordEdit): string {
  const [first] = seen;
  const what =
    seen.length === 1 && first !== undefined ? first.address : counted(seen.length, 'address', 'addresses');
  switch (edit) {
    case 'remove':
      return `state rm: ${what} forgotten`;
    case 'import':
      return `state import: ${what} as found`;
    case 'push':
      return `state push${from === undefined ? '' : ` of ${from}`}`;
    case 'migrate':
      return movedTo === undefined
        ? `state migrate from ${from ?? 'elsewhere'}`
        : `state migrate to ${movedTo}`;
  }
}

const whatText = (run: Run, declared: RunReleases): string => {
  const releases = releasesText(declared);
  return run.intent.kind === 'apply' ? releases : `${intentText(run.intent)}: ${releases}`;
};

export const paintFate = (fate: RunFate, text: string, paint: Paint): string =>
  fate === 'complete' ? paint.green(text) : fate === 'reverted' ? paint.red(text) : paint.yellow(text);

/** `history --json`. */
export const historyJson = (environment: string, { runs, edits, running, releases }: History) => ({
  format_version: '1.0',
  environment,
  runs: runs.map((run) => ({
    ...runJson(run, run.run === running),
    deployment: deploymentJson(deploymentOf(run, releases.get(run.run))),
  })),
  edits: edits.map(({ at, actor, edit, seen, from, movedTo }) => ({
    at: isoTime(at),
    who: actor.who,
    command: actor.command,
    edit,
    addresses: seen.map(({ address }) => address),
    ...(from === undefined ? {} : { from }),
    ...(movedTo === undefined ? {} : { moved_to: movedTo }),
  })),
});

const deploymentOf = ({ run, endedAt, outcome }: Run, declared: RunReleases | undefined) =>
  outcome !== 'complete' || endedAt === undefined || declared === undefined
    ? undefined
    : { number: run, at: endedAt, declared };

/** `running` stands beside the outcome, which a run that is resumed has from before. */
export const runJson = (run: Run, isRunning: boolean) => ({
  run: run.run,
  started_at: isoTime(run.startedAt),
  ended_at: run.endedAt === undefined ? null : isoTime(run.endedAt),
  outcome: run.outcome ?? null,
  running: isRunning,
  who: run.actor.who,
  command: run.actor.command,
  intent: run.intent,
  plan_digest: run.planDigest,
});

/** null: the run did not become a deployment. */
export const deploymentJson = (
  deployment: (Pick<Deployment, 'number' | 'at'> & { readonly declared: RunReleases }) | undefined,
) =>
  deployment === undefined
    ? null
    : {
        number: deployment.number,
        at: isoTime(deployment.at),
        services: deployment.declared.services.map(({ address, release }) => ({
          address,
          release: release.version,
          sha256: release.artifact.sha256,
        })),
      };
