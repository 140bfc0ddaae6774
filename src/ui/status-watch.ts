/** Status after status: drawn over the one before on a terminal, elsewhere written when something has changed. */
import { asInstant, type StatusReport } from '../model/index.ts';
import { clip } from './layout.ts';
import { paint as paintOf } from './paint.ts';
import type { Pasteable } from './pasteable.ts';
import { printableJson } from './printable.ts';
import { statusJson } from './status-json.ts';
import { renderStatus } from './status-text.ts';
import { clockText } from './time-text.ts';

export interface WatchOptions {
  readonly write: (text: string) => void;
  readonly json: boolean;
  /** The terminal can be drawn anew. */
  readonly redraws: boolean;
  readonly color: boolean;
  /** Fills in the commands that are told. */
  readonly pasteable?: Pasteable;
  /** Of the terminal now: it may be resized. */
  readonly size: () => { readonly columns: number; readonly rows: number };
}

/** Nothing is left but plain text: the last status stays where it was drawn. */
export function watchedStatus(options: WatchOptions): (report: StatusReport) => void {
  const { write, json, redraws, color, pasteable, size } = options;
  let drawn = 0;
  let last = '';
  return (report) => {
    if (json || !redraws) {
      // How long ago something was says nothing new.
      const told = printableJson(statusJson({ ...report, at: asInstant(0) }));
      if (told === last) return;
      last = told;
      if (json) write(`${printableJson(statusJson(report))}\n`);
      else
        write(
          `${clockText(report.at)}\n${renderStatus(report, { color, pasteable, width: Math.min(size().columns, 120) })}\n`,
        );
      return;
    }
    const lines = watchLines(report, { color, pasteable }, size());
    write(`${drawn === 0 ? '' : `\u001b[${drawn}A\r\u001b[J`}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
}

/** One row stays free, or the terminal would scroll with each picture; lines as wide as it would take two rows. */
function watchLines(
  report: StatusReport,
  { color, pasteable }: Pick<WatchOptions, 'color'> & { readonly pasteable: Pasteable | undefined },
  { columns, rows }: { readonly columns: number; readonly rows: number },
): readonly string[] {
  const paint = paintOf(color);
  const width = Math.min(columns - 1, 120);
  const text = renderStatus(report, { color, pasteable, width }).split('\n');
  const room = Math.max(1, rows - 3);
  const shown =
    text.length <= room ? text : [...text.slice(0, room - 1), `  … ${text.length - room + 1} more lines`];
  return [...shown, '', paint.dim(clip(`looked at ${clockText(report.at)}; Ctrl-C ends this`, width))];
}
