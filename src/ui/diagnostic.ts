import { styleText } from 'node:util';
import type { Diagnostic, SourceRange } from '../model/diagnostic.ts';
import { visible } from '../model/visible.ts';
import { columns, wrap } from './layout.ts';
import { paint } from './paint.ts';
import { Lines, offsetOf } from './source-lines.ts';

/** How to draw a {@link Diagnostic}. */
export interface DiagnosticStyle {
  /** The text of a file by the name that ranges have; undefined when it is not at hand. */
  readonly sources: (file: string) => string | undefined;
  /** Whether escape sequences may be used. Without them the subject gets a line of `~` below it. */
  readonly color: boolean;
  /** Columns of the terminal. Zero or less: lines are not wrapped. */
  readonly width: number;
}

/** More lines than these of a marked passage say nothing more. */
const LINES_SHOWN = 8;
/** A line of more UTF-16 units than this is cut without being measured. */
const LINE_MEASURED = 4_000;
/** Narrower than this, wrapping does more harm than good. */
const LEAST_WIDTH = 24;

/**
 * A diagnostic in Terraform's frame, with a line ending after the last line and no blanks at the end of any:
 *
 *     ╷
 *     │ Error: Summary
 *     │
 *     │   on environments/prod/shop.hcl line 41, in service "shop":
 *     │   41:     deadline = 60s
 *     │                      ~~~
 *     │     ├────────────────
 *     │     │ var.deadline is 60
 *     │
 *     │ The detail, wrapped.
 *     │
 *     │ The hint, wrapped.
 *     ╵
 *
 * Whatever the texts hold, every line stays inside the frame: control characters are drawn as symbols, and a
 * line of source that does not fit is cut around the subject. Lines of the detail and the hint that begin with a
 * blank are not wrapped, and neither are commands.
 */
export function renderDiagnostic(diagnostic: Diagnostic, style: DiagnosticStyle): string {
  const { red, yellow, bold } = paint(style.color);
  const hue = diagnostic.severity === 'error' ? red : yellow;
  const width = style.width <= 0 ? Number.POSITIVE_INFINITY : Math.max(style.width, LEAST_WIDTH) - 2;
  const title = diagnostic.severity === 'error' ? 'Error: ' : 'Warning: ';
  const body: string[] = [];
  for (const [index, line] of wrapped(title + prose(diagnostic.summary), width).entries()) {
    const isFirst = index === 0 && line.startsWith(title);
    body.push(isFirst ? bold(hue(title)) + bold(line.slice(title.length)) : bold(line));
  }
  const place = placeLines(diagnostic, style, width);
  if (place.length > 0) body.push('', ...place);
  for (const text of [diagnostic.detail, diagnostic.hint]) {
    if (text !== undefined && text.trim() !== '') body.push('', ...wrapped(prose(text.trimEnd()), width));
  }
  const framed = body.map((line) => (line.trimEnd() === '' ? hue('│') : `${hue('│')} ${line.trimEnd()}`));
  return `${[hue('╷'), ...framed, hue('╵')].join('\n')}\n`;
}

// ------------------------------------------------------------------------------------------ the place

function placeLines(diagnostic: Diagnostic, style: DiagnosticStyle, width: number): string[] {
  const { subject, address, values = [] } = diagnostic;
  const lines: string[] = [];
  if (address !== undefined) lines.push(`  with ${visible(address)}${subject === undefined ? '' : ','}`);
  if (subject !== undefined) {
    const source = style.sources(subject.file);
    const text = source === undefined ? undefined : new Lines(source);
    const where = text === undefined ? undefined : enclosingBlock(text, subject.start.line);
    const context = where === undefined ? '' : `, in ${visible(where)}`;
    const code = text === undefined ? [] : codeLines(text, diagnostic, subject, { ...style, width });
    const end = code.length > 0 ? ':' : '';
    lines.push(`  on ${visible(subject.file)} line ${subject.start.line}${context}${end}`, ...code);
  }
  if (values.length > 0) {
    lines.push('    ├────────────────');
    for (const value of values) {
      for (const [index, line] of wrapped(prose(value), width - 6).entries()) {
        lines.push(`    │ ${index === 0 ? '' : '  '}${line}`);
      }
    }
  }
  return lines;
}

function codeLines(
  text: Lines,
  { context }: Diagnostic,
  subject: SourceRange,
  style: DiagnosticStyle,
): string[] {
  const last = lastLine(subject);
  const from = Math.min(context?.start.line ?? subject.start.line, subject.start.line);
  const to = Math.max(context === undefined ? last : lastLine(context), last);
  const out: string[] = [];
  let previous = 0;
  for (const number of linesToShow(from, to, subject.start.line, last)) {
    const line = text.line(number);
    if (line === undefined) continue;
    if (previous !== 0 && number !== previous + 1) out.push('    ...');
    previous = number;
    out.push(...codeLine(line, number, subject, style));
  }
  if (previous !== 0 && previous < to) out.push('    ...');
  return out;
}

/** A range that ends at the very start of a line has nothing on that line. */
function lastLine(range: SourceRange): number {
  const { start, end } = range;
  return end.column === 1 && end.line > start.line ? end.line - 1 : end.line;
}

function linesToShow(from: number, to: number, subjectFrom: number, subjectTo: number): number[] {
  const all = new Set<number>();
  for (let line = subjectFrom; line <= subjectTo && all.size < LINES_SHOWN - 2; line++) all.add(line);
  all.add(from);
  for (let line = subjectFrom - 1; line > from && all.size < LINES_SHOWN; line--) all.add(line);
  for (let line = subjectTo + 1; line <= to && all.size < LINES_SHOWN; line++) all.add(line);
  return [...all].sort((a, b) => a - b);
}

function codeLine(line: string, number: number, subject: SourceRange, style: DiagnosticStyle): string[] {
  const gutter = `${String(number).padStart(4)}: `;
  const marked = number >= subject.start.line && number <= lastLine(subject);
  const start = marked && number === subject.start.line ? offsetOf(line, subject.start) : 0;
  const end = marked ? (number < subject.end.line ? line.length : offsetOf(line, subject.end)) : 0;
  const piece = fitted(line, start, end, style.width - gutter.length);
  const { before, after } = piece;
  if (!marked) return [gutter + before + piece.subject + after];
  if (style.color) {
    const mark = styleText('underline', piece.subject || ' ', { validateStream: false });
    return [gutter + before + mark + after];
  }
  const under = ' '.repeat(gutter.length + columns(before));
  return [gutter + before + piece.subject + after, under + '~'.repeat(Math.max(1, columns(piece.subject)))];
}

interface Piece {
  readonly before: string;
  readonly subject: string;
  readonly after: string;
}

/** The line in three parts, cut where it does not fit into `width` columns, so that the subject is seen. */
function fitted(line: string, start: number, end: number, width: number): Piece {
  // A line of megabytes is not measured; no terminal is that wide.
  if (line.length <= LINE_MEASURED) {
    const before = shown(line.slice(0, start));
    const subject = shown(line.slice(start, end));
    const after = shown(line.slice(end));
    if (columns(before + subject + after) <= width) return { before, subject, after };
  }
  const room = Number.isFinite(width) ? Math.max(width - 2, LEAST_WIDTH) : 200;
  const lead = Math.min(start, Math.floor(room / 3));
  const from = boundary(line, start - lead);
  const to = boundary(line, from + room);
  const clip = (a: number, b: number): string =>
    shown(line.slice(Math.max(a, from), Math.max(from, Math.min(b, to))));
  return {
    before: (from > 0 ? '…' : '') + clip(0, start),
    subject: clip(start, end),
    after: clip(end, line.length) + (to < line.length ? '…' : ''),
  };
}

/** `at`, or one before it when that would cut a surrogate pair. */
function boundary(line: string, at: number): number {
  const inside = Math.max(0, Math.min(at, line.length));
  const code = line.charCodeAt(inside);
  return inside > 0 && code >= 0xdc00 && code <= 0xdfff ? inside - 1 : inside;
}

/**
 * The header of the outermost block around a line, as Terraform names it: `service "shop"`. It is read off the
 * text, where such a header starts a line and its closing brace does too, as in every formatted file; of a file
 * that is written in another way nothing is said.
 */
function enclosingBlock(text: Lines, line: number): string | undefined {
  for (let number = line; number > 0; number--) {
    const candidate = text.line(number) ?? '';
    if (number < line && candidate.startsWith('}')) return undefined;
    const header = /^[\p{L}_][\p{L}\p{N}_-]*(?:[ \t]+(?:"[^"]*"|[\p{L}\p{N}_-]+))*(?=[ \t]*\{)/u.exec(
      candidate.slice(0, 500),
    );
    if (header !== null) return number < line && candidate.trimEnd().endsWith('}') ? undefined : header[0];
  }
  return undefined;
}

// ------------------------------------------------------------------------------------------- text

/**
 * Lines that begin with a blank are laid out already, and stay as they are. A command at the end of a line that is too
 * long gets one of its own: in two it could not be pasted. One that is only told of, in brackets, is no end of a line.
 */
function wrapped(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    if (line.startsWith(' ') || columns(line) <= width) return [line];
    const [, sentence, command] = /^([^(]*?:) +(deployctl .*)$/.exec(line) ?? [];
    return sentence === undefined ? wrap(line, width) : [...wrap(sentence, width), `    ${command}`];
  });
}

/** A text of several lines, harmless on a terminal. */
function prose(text: string): string {
  return visible(text.replaceAll('\r\n', '\n').replaceAll('\t', '    '), { newlines: true });
}

/** A part of one line of source, harmless on a terminal. */
function shown(text: string): string {
  return visible(text.replaceAll('\t', '    '));
}
