/** Rows in columns that are as wide as their widest cell; the last column takes what is left, and wraps. */
import { columns, padEnd, padStart, wrap } from './layout.ts';
import type { Paint } from './paint.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'end';
}

/** Paints whole cells, after they were laid out; by row and column, both from 0. */
export type CellPaint = (text: string, row: number, column: number) => string;

export function tableLines(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  width: number,
  paintCell: CellPaint = (text) => text,
): readonly string[] {
  const last = heads.length - 1;
  const widths = heads.map(({ title }, at) =>
    Math.max(columns(title), ...rows.map((row) => columns(row[at] ?? ''))),
  );
  const left = widths.slice(0, last).reduce((sum, each) => sum + each + 2, 0);
  const room = Math.max(16, width - left);
  const pad = (text: string, at: number): string =>
    heads[at]?.align === 'end' ? padStart(text, widths[at] ?? 0) : padEnd(text, widths[at] ?? 0);
  return [
    paint.bold(
      heads
        .map(({ title }, at) => (at === last ? title : pad(title, at)))
        .join('  ')
        .trimEnd(),
    ),
    ...rows.flatMap((row, index) => {
      const [first = '', ...rest] = wrap(row[last] ?? '', room);
      const cells = row.slice(0, last).map((cell, at) => paintCell(pad(cell, at), index, at));
      return [
        [...cells, paintCell(first, index, last)].join('  ').trimEnd(),
        ...rest.map((line) => ' '.repeat(left) + line),
      ];
    }),
  ];
}
