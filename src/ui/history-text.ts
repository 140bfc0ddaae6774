/** Which runs there were: what, by whom, when, and how they ended; the newest last, where the eye is. */
import type { Declared, Deployment, Instant, RecordEdit, Run, RunNumber } from '../model/index.ts';
import { deploymentOf, fateOf, fateText, intentText, releasesText } from './deployment-text.ts';
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
  readonly deployments: readonly Deployment[];
  /** What was to run, of each run that became no deployment. */
  readonly wanted: ReadonlyMap<RunNumber, Pick<Declared, 'services'>>;
}

/** Ends without a line end. */
export function renderHistory(
  { runs, edits, deployments, wanted }: History,
  { color, width, now }: HistoryTextOptions,
): string {
  const paint = paintOf(color);
  if (runs.length + edits.length === 0) return 'Nothing was deployed yet.';
  const lines = [
    ...runs.map((run) => ({
      at: run.startedAt,
      run,
      cells: runCells(run, deploymentOf(run, deployments)?.declared ?? wanted.get(run.run), now),
    })),
    ...edits.map((edit) => ({ at: edit.at, run: undefined, cells: editCells(edit, now) })),
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
    const run = lines[row]?.run;
    return column === 4 && run !== undefined ? paintFate(run, text, paint) : text;
  }).join('\n');
}

function runCells(
  run: Run,
  declared: Pick<Declared, 'services'> | undefined,
  now: Instant,
): readonly string[] {
  return [
    String(run.run),
    agoText(run.startedAt, now),
    run.actor.who,
    run.endedAt === undefined ? '-' : durationText((run.endedAt - run.startedAt) / 1000),
    fateText[fateOf(run)],
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

const whatText = (run: Run, declared: Pick<Declared, 'services'>): string => {
  const releases = releasesText(declared);
  return run.intent.kind === 'apply' ? releases : `${intentText(run.intent)}: ${releases}`;
};

export const paintFate = (run: Pick<Run, 'outcome'>, text: string, paint: Paint): string => {
  const fate = fateOf(run);
  return fate === 'complete' ? paint.green(text) : fate === 'reverted' ? paint.red(text) : paint.yellow(text);
};

/** `history --json`. */
export const historyJson = (environment: string, { runs, edits, deployments }: Omit<History, 'wanted'>) => ({
  format_version: '1.0',
  environment,
  runs: runs.map((run) => ({ ...runJson(run), deployment: deploymentJson(deploymentOf(run, deployments)) })),
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

export const runJson = (run: Run) => ({
  run: run.run,
  started_at: isoTime(run.startedAt),
  ended_at: run.endedAt === undefined ? null : isoTime(run.endedAt),
  outcome: run.outcome ?? null,
  who: run.actor.who,
  command: run.actor.command,
  intent: run.intent,
  plan_digest: run.planDigest,
});

/** null: the run did not become a deployment. */
export const deploymentJson = (deployment: Deployment | undefined) =>
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
