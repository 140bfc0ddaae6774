/** The table of a plan's steps: what is done, what undoes it, how long it takes. */
import type { Phase } from '../model/index.ts';
import { hostsText } from './hosts-text.ts';
import { columns, hang, padEnd, padStart, wrap } from './layout.ts';
import type { Paint } from './paint.ts';
import { type PhaseSteps, undoneBy } from './phases.ts';
import { durationText } from './time-text.ts';

/** What a phase does and where, `2.0.0-9f86d081 as green on 3 hosts`. */
export function phaseText(
  { phase, hosts }: { readonly phase: Pick<Phase, 'verb' | 'title'>; readonly hosts: readonly string[] },
  most = 3,
): string {
  if (hosts.length === 0) return phase.title;
  const preposition = phase.verb === 'upload' ? 'to' : 'on';
  const where = `${preposition} ${hostsText(hosts, most)}`;
  if (phase.title === '') return where;
  return `${phase.title}${/[,:]/.test(phase.title) ? ',' : ''} ${where}`;
}

/** Wider than this, the eye loses the line between the columns. */
const widest = 110;
/** Narrower than this, columns would be a word wide: the parts of a step stand below each other. */
const narrowest = 60;

interface Row {
  readonly number: string;
  readonly verb: string;
  readonly what: string;
  readonly undone: string;
  readonly takes: string;
}

export function stepTable(phases: readonly PhaseSteps[], paint: Paint, width: number): readonly string[] {
  if (phases.length === 0) return [];
  const rowsWith = (most: number): readonly Row[] =>
    phases.map((each) => ({
      number: String(each.number),
      verb: each.phase.verb,
      what: phaseText(each, most),
      undone: undoneBy(each),
      takes: durationText(each.seconds),
    }));
  if (width < narrowest) return stackedRows(rowsWith(1), paint, width);
  // Hosts are named where every step still fits on its line, else counted: the changes name them all.
  const named = tableRows(rowsWith(3), paint, width);
  return named.length === phases.length + 1 ? named : tableRows(rowsWith(1), paint, width);
}

const longest = (rows: readonly Row[], column: keyof Row): number =>
  Math.max(...rows.map((row) => columns(row[column])));

function tableRows(rows: readonly Row[], paint: Paint, width: number): readonly string[] {
  const numbers = longest(rows, 'number');
  const takes = Math.max('takes'.length, longest(rows, 'takes'));
  const left = 2 + numbers + 2 + longest(rows, 'verb') + 2;
  const room = Math.min(width, widest) - left - 2 - 2 - takes;
  const undone = fewestLines(rows, room);
  const what = room - undone;
  const cells = (head: string, second: string, third: string, fourth: string): string =>
    `${padEnd(head, left)}${padEnd(second, what)}  ${padEnd(third, undone)}  ${padStart(fourth, takes)}`.trimEnd();
  return [
    paint.bold(cells('  step', '', 'undone by', 'takes')),
    ...rows.flatMap((row) => {
      const texts = wrap(row.what, what);
      const inverses = wrap(row.undone, undone);
      return Array.from({ length: Math.max(texts.length, inverses.length) }, (_, at) =>
        cells(
          at === 0 ? `  ${padStart(row.number, numbers)}  ${row.verb}` : '',
          texts[at] ?? '',
          inverses[at] ?? '',
          at === 0 ? row.takes : '',
        ),
      );
    }),
  ];
}

/** The width of the second column that makes the table shortest; among equals the one that leaves most to the first. */
function fewestLines(rows: readonly Row[], room: number): number {
  const least = 'undone by'.length;
  const most = Math.max(least, Math.min(longest(rows, 'undone'), Math.floor(room * 0.6)));
  let best = { width: least, lines: Number.POSITIVE_INFINITY };
  for (let width = least; width <= most; width += 1) {
    const lines = rows.reduce(
      (sum, { what, undone }) => sum + Math.max(wrap(what, room - width).length, wrap(undone, width).length),
      0,
    );
    if (lines < best.lines) best = { width, lines };
  }
  return best.width;
}

function stackedRows(rows: readonly Row[], paint: Paint, width: number): readonly string[] {
  const numbers = longest(rows, 'number');
  return rows.flatMap(({ number, verb, what, undone, takes }) => {
    const head = `  ${padStart(number, numbers)}  `;
    const inverse = undone === '-' ? [] : hang(' '.repeat(head.length), `undone by: ${undone}`, width);
    return [...hang(head, `${verb} ${what} (${takes})`, width), ...inverse.map(paint.dim)];
  });
}
