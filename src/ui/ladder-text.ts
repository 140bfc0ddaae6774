/** A plan's ladders for people: each stage with its share, its hosts, its time, who is affected, and what decides it. */
import { describeAudienceRule, type Plan } from '../model/index.ts';
import { hostNames } from './hosts-text.ts';
import { type Ladder, laddersOf, type Rung } from './ladder.ts';
import { groundLines } from './ladder-grounds.ts';
import { columns, hang, padStart, wrap } from './layout.ts';
import type { Paint } from './paint.ts';
import { type PhaseSteps, phaseNumbers } from './phases.ts';
import { printable } from './printable.ts';
import { type Column, tableLines } from './table.ts';
import { counted, durationText } from './time-text.ts';

/** Stages beyond this many are only counted: the first ones are shown, and the last. */
const mostRungs = 12;
/** The last column may not be narrower, and need not hold its longest text in fewer lines than these. */
const narrowest = 16;
const mostLines = 2;

/** One section for each service that goes up in stages. No line is wider than `width`. */
export function ladderSections(
  plan: Pick<Plan, 'steps' | 'declared' | 'facts'>,
  phases: readonly PhaseSteps[],
  paint: Paint,
  width: number,
): readonly (readonly string[])[] {
  const numbers = phaseNumbers(phases);
  return laddersOf(plan).map((ladder) => [
    ...wrap(titleText(ladder), width - 2).map((line) => `  ${paint.bold(line)}`),
    ...rungLines(ladder, (rung) => stepsText(rung, numbers), paint, width - 2).map((line) => `  ${line}`),
    '',
    ...groundLines(ladder, paint, width),
  ]);
}

function titleText({ service, kind, before, sides, rungs }: Ladder): string {
  const { name, release } = service;
  const hasTwo = sides !== undefined && sides.stable.slot !== sides.canary.slot;
  const from = before === undefined ? '' : `${before}${hasTwo ? ` on ${sides.stable.slot}` : ''} -> `;
  const to = `${release.version}${hasTwo ? ` on ${sides.canary.slot}` : ''}`;
  const cookie = service.traffic.find((each) => each.kind === 'load_balancer')?.stickyCookie;
  const sticky =
    kind === 'canary' && hasTwo && cookie !== undefined ? `, each user on one side by cookie ${cookie}` : '';
  return printable(
    kind === 'canary'
      ? `Canary of ${name}: ${from}${to}, in ${counted(rungs.length, 'step')}${sticky}`
      : `Rolling upgrade of ${name}: ${from}${to}, in ${counted(rungs.length, 'batch', 'batches')}`,
  );
}

/** The lines of the step table that the rung is: `8`, `2-9`. */
function stepsText({ steps }: Rung, numbers: ReadonlyMap<string, number>): string {
  const own = steps.map(({ id }) => numbers.get(id) ?? 0);
  const [first, last] = [Math.min(...own), Math.max(...own)];
  return first === last ? String(first) : `${first}-${last}`;
}

interface Cell {
  readonly title: string;
  readonly align?: 'end';
  readonly text: string;
  /** What is said of it in a line below, where the row is too wide. */
  readonly note?: string;
}

type Cells = readonly Cell[];

/** The same as rows, for whoever lays out tables by other means. All of them, however many. */
export const rungRows = (
  plan: Pick<Plan, 'steps' | 'declared' | 'facts'>,
  phases: readonly PhaseSteps[],
): readonly {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}[] => {
  const numbers = phaseNumbers(phases);
  return laddersOf(plan).map((ladder) => {
    const cellsOf = ladder.kind === 'canary' ? canaryCells : batchCells;
    const rows = withoutEmpty(ladder.rungs.map((rung) => cellsOf(rung, stepsText(rung, numbers), ladder)));
    return {
      title: titleText(ladder),
      heads: (rows[0] ?? []).map(({ title }) => title),
      rows: rows.map((row) => row.map(({ text }) => text)),
    };
  });
};

function rungLines(
  ladder: Ladder,
  stepsOf: (rung: Rung) => string,
  paint: Paint,
  width: number,
): readonly string[] {
  const { rungs } = ladder;
  const cellsOf = ladder.kind === 'canary' ? canaryCells : batchCells;
  const isCut = rungs.length > mostRungs;
  const shown = isCut ? [...rungs.slice(0, mostRungs - 2), ...rungs.slice(-1)] : rungs;
  const rows = withoutEmpty(shown.map((rung) => cellsOf(rung, stepsOf(rung), ladder)));
  const [head, ...blocks] = rowBlocks(rows, paint, width);
  const more = paint.dim(`   … and ${rungs.length - shown.length} between …`);
  const kept = isCut ? [...blocks.slice(0, -1), [more], ...blocks.slice(-1)] : blocks;
  return [...(head ?? []), ...kept.flat()];
}

/** A column that says nothing anywhere is left out. */
function withoutEmpty(rows: readonly Cells[]): readonly Cells[] {
  const isKept = (rows[0] ?? []).map((_, at) => rows.some((row) => row[at]?.text !== ''));
  return rows.map((row) => row.filter((_, at) => isKept[at]));
}

/** The lines of the heads, then those of each row: as columns, or with what is long below them, or as sentences. */
function rowBlocks(rows: readonly Cells[], paint: Paint, width: number): readonly (readonly string[])[] {
  const short = rows.map((row) => row.filter(({ note }) => note === undefined));
  if (neededWidth(rows) <= width) return blocksOf(rows, paint, width);
  if (neededWidth(short) <= width) {
    const [head = [], ...blocks] = blocksOf(short, paint, width);
    const indent = ' '.repeat(2 + Math.max(0, ...rows.map(([first]) => columns(first?.text ?? ''))));
    return [
      head,
      ...blocks.map((block, at) => [
        ...block,
        ...hang(indent, notesOf(rows[at] ?? []), width).map(paint.dim),
      ]),
    ];
  }
  return [
    [],
    ...rows.map(([first, ...others]) => hang(`${padStart(first?.text ?? '', 5)}  `, sentence(others), width)),
  ];
}

const notesOf = (cells: Cells): string =>
  cells
    .filter(({ text }) => text !== '-')
    .map(({ note = '' }) => note)
    .filter((note) => note !== '')
    .toReversed()
    .join('; ');

const sentence = (cells: Cells): string =>
  cells
    .filter(({ text }) => text !== '' && text !== '-')
    .map(({ title, text }) => `${title} ${text}`)
    .join('; ');

/** With the last column as narrow as it may be. */
function neededWidth(rows: readonly Cells[]): number {
  const heads = rows[0] ?? [];
  const widths = heads.map(({ title }, at) =>
    Math.max(columns(title), ...rows.map((row) => columns(row[at]?.text ?? ''))),
  );
  return widths.reduce(
    (sum, each, at) =>
      sum +
      (at === heads.length - 1
        ? Math.min(each, Math.max(narrowest, Math.ceil(each / mostLines) + 4))
        : each + 2),
    0,
  );
}

/** `tableLines` wraps the last cell: how many lines that makes tells which line belongs to which row. */
function blocksOf(rows: readonly Cells[], paint: Paint, width: number): readonly (readonly string[])[] {
  const heads: readonly Column[] = (rows[0] ?? []).map(({ title, align }) => ({
    title,
    ...(align === undefined ? {} : { align }),
  }));
  const texts = rows.map((row) => row.map(({ text }) => text));
  const [head = '', ...lines] = tableLines(heads, texts, paint, width);
  const blocks: string[][] = [];
  const left = (rows[0]?.[0]?.title.length ?? 0) > 0 ? columnWidth(rows, 0) : 0;
  for (const line of lines) {
    const last = blocks.at(-1);
    if (last !== undefined && line.slice(0, left).trim() === '') last.push(line);
    else blocks.push([line]);
  }
  return [[head], ...blocks];
}

const columnWidth = (rows: readonly Cells[], at: number): number =>
  Math.max(columns(rows[0]?.[at]?.title ?? ''), ...rows.map((row) => columns(row[at]?.text ?? '')));

const canaryCells = (rung: Rung, steps: string, ladder: Ladder): Cells => [
  { title: 'step', align: 'end', text: steps },
  { title: 'share', align: 'end', text: `${rung.sharePercent}%` },
  { title: 'hosts', text: `${rung.hosts.length} of ${rung.hostsTotal}` },
  { title: 'holds for', text: holdsText(rung) },
  { title: 'decided by', text: decidedText(rung) },
  ...longCells(rung, ladder),
];

function longCells(rung: Rung, ladder: Ladder): Cells {
  const who = whoText(rung, ladder);
  const version = printable(ladder.service.release.version);
  // Hosts go back one by one, in the same way as they came: that is said once, below.
  const undone = ladder.of === 'requests' ? rung.undoneBy : '';
  return [
    { title: 'undone by', text: undone, note: undone === '' ? '' : `undone: ${undone}` },
    { title: `who gets ${version}`, text: who, note: `answers ${who}` },
  ];
}

const batchCells = (rung: Rung, steps: string): Cells => [
  { title: 'step', align: 'end', text: steps },
  { title: 'batch', align: 'end', text: String(rung.number) },
  { title: 'zone', text: printable(rung.zone ?? '') },
  { title: 'done', align: 'end', text: `${rung.sharePercent}%` },
  { title: 'pause', align: 'end', text: rung.bakeSeconds === 0 ? '-' : durationText(rung.bakeSeconds) },
  batchHosts(rung),
];

function batchHosts({ hosts, hostsTotal }: Rung): Cell {
  const text = `${hostNames(hosts)} (${hosts.length} of ${hostsTotal})`;
  return { title: 'hosts', text, note: text };
}

/** `5 min`, `5 to 15 min`, `until promoted`, `5 min, then until promoted`. */
export function holdsText({ bakeSeconds, verdictSeconds, needsApproval }: Rung): string {
  const bake =
    verdictSeconds === 0
      ? bakeSeconds === 0
        ? ''
        : durationText(bakeSeconds)
      : rangeText(bakeSeconds, bakeSeconds + verdictSeconds);
  if (!needsApproval) return bake === '' ? '-' : bake;
  return bake === '' ? 'until promoted' : `${bake}, then until promoted`;
}

/** `5 to 15 min`, `30 s to 5 min`. */
function rangeText(from: number, to: number): string {
  const [first, last] = [durationText(from), durationText(to)];
  const unit = last.replace(/^\S+/, '');
  return `${first.endsWith(unit) && !first.slice(0, -unit.length).includes(' ') ? first.slice(0, -unit.length) : first} to ${last}`;
}

function decidedText({ isChecked, analysis, needsApproval }: Rung): string {
  const names = [
    ...(isChecked ? ['checks'] : []),
    ...analysis.map(({ name }) => printable(name)),
    ...(needsApproval ? ['a person'] : []),
  ];
  return names.length === 0 ? '-' : names.join(', ');
}

/** Who is affected from this stage on. */
export function whoText({ sharePercent, audience, hosts }: Rung, { of, service }: Ladder): string {
  if (sharePercent === 100) return 'everybody';
  if (of === 'hosts') return `the requests of ${hostNames(hosts)}`;
  const cookie = service.traffic.find((each) => each.kind === 'load_balancer')?.stickyCookie;
  const crowd = cookie === undefined ? 'requests' : 'users';
  if (audience.length === 0) return `${sharePercent}% of the ${crowd}`;
  const named = audience.map((rule) => printable(describeAudienceRule(rule))).join(', ');
  return sharePercent === 0 ? `only ${named}` : `${named}, and ${sharePercent}% of the other ${crowd}`;
}
