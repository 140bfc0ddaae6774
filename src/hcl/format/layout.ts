import { countGraphemes } from '../syntax/source.ts';
import * as T from '../syntax/token.ts';
import type { Pieces } from './pieces.ts';
import { bracketChange, spaceAfter } from './spacing.ts';

/**
 * One line of a file: tokens up to a line ending outside of strings and heredocs. It has up to three cells, and
 * the second and third are aligned with those of the lines next to it:
 *
 *     name  = value   # comment
 *     lead  assign    comment
 *
 * Each cell is given by the index of its first token; a cell that is not there starts where the next one does.
 */
interface Line {
  readonly lead: number;
  readonly assign: number;
  readonly comment: number;
  readonly end: number;
}

/**
 * Text out of tokens in HCL's canonical layout, as hclwrite's formatter (HCL 2.23) makes it. It goes by the
 * tokens, not by the tree, which is where its habits come from: two blanks for each line that opens more
 * brackets than it closes, however many those are; `- 1` after `${`; and blanks at the very end of a file stay.
 */
export function layOut(pieces: Pieces): string {
  const lines = linesOf(pieces);
  indent(pieces, lines);
  spaceTokens(pieces, lines);
  align(pieces, lines, 'assign');
  align(pieces, lines, 'comment');
  return textOf(pieces);
}

// ------------------------------------------------------------------------------------------ lines

function endsLine(type: number | undefined): boolean {
  return type === T.NEWLINE || type === T.LINE_COMMENT;
}

function linesOf({ types }: Pieces): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (let index = 0; index < types.length; index++) {
    const type = types[index];
    if (type === T.EOF) {
      if (index > start) lines.push(lineOf(types, start, index));
      return lines;
    }
    if (!endsLine(type)) continue;
    lines.push(lineOf(types, start, index + 1));
    start = index + 1;
  }
  return lines;
}

function lineOf(types: readonly number[], lead: number, end: number): Line {
  const last = types[end - 1];
  const hasComment = end - lead > 1 && (last === T.LINE_COMMENT || last === T.COMMENT);
  const comment = hasComment ? end - 1 : end;
  for (let index = lead + 1; index < comment; index++) {
    if (types[index] !== T.EQUAL) continue;
    // A value that goes on below is not aligned.
    let open = 0;
    for (let after = index; after < comment; after++) open += bracketChange(types[after] ?? T.EOF);
    return { lead, assign: open === 0 ? index : comment, comment, end };
  }
  return { lead, assign: comment, comment, end };
}

// ----------------------------------------------------------------------------------- indentation

/**
 * Each line that opens more brackets than it closes indents what follows by one level, and remembers how many
 * it opened; lines that close more take levels away as they use those up.
 */
function indent({ types, spaces }: Pieces, lines: readonly Line[]): void {
  const levels: number[] = [];
  for (const line of lines) {
    if (types[line.lead] === T.NEWLINE) {
      spaces[line.lead] = 0;
      continue;
    }
    const net = netBrackets(types, line);
    if (net < 0) closeLevels(levels, -net);
    spaces[line.lead] = 2 * levels.length;
    if (net > 0) levels.push(net);
  }
}

function netBrackets(types: readonly number[], line: Line): number {
  let net = 0;
  for (let index = line.lead; index < line.assign; index++) {
    const type = types[index] ?? T.EOF;
    net += bracketChange(type);
    if (type === T.OPEN_HEREDOC) break;
  }
  for (let index = line.assign; index < line.comment; index++) net += bracketChange(types[index] ?? T.EOF);
  return net;
}

function closeLevels(levels: number[], count: number): void {
  let closed = count;
  while (closed > 0) {
    const top = levels.pop();
    if (top === undefined) return;
    if (closed < top) levels.push(top - closed);
    closed -= top;
  }
}

// ---------------------------------------------------------------------------------------- blanks

function spaceTokens(pieces: Pieces, lines: readonly Line[]): void {
  for (const line of lines) {
    spaceCell(pieces, line.lead, line.assign);
    spaceCell(pieces, line.assign, line.comment);
  }
}

/** Sets the blanks between the tokens of a cell. What is before its first one counts as nothing. */
function spaceCell({ types, texts, spaces }: Pieces, from: number, to: number): void {
  let before: number = T.EOF;
  for (let index = from; index < to - 1; index++) {
    const subject = types[index] ?? T.EOF;
    const after = types[index + 1] ?? T.EOF;
    const isIn = subject === T.IDENT && texts[index] === 'in';
    spaces[index + 1] = spaceAfter(subject, before, after, isIn) ? 1 : 0;
    before = subject;
  }
}

// -------------------------------------------------------------------------------------- alignment

/** Puts the cells of neighbouring lines that have one below each other. */
function align(pieces: Pieces, lines: readonly Line[], cell: 'assign' | 'comment'): void {
  const has =
    cell === 'assign' ? (line: Line) => line.assign < line.comment : (line: Line) => line.comment < line.end;
  for (let from = 0; from < lines.length; from++) {
    let widest = 0;
    const widths: number[] = [];
    let to = from;
    for (let line = lines[to]; line !== undefined && has(line); line = lines[++to]) {
      const width = columnsOf(pieces, line.lead, line[cell]);
      widths.push(width);
      widest = Math.max(widest, width);
    }
    for (const [offset, width] of widths.entries()) {
      const start = lines[from + offset]?.[cell];
      if (start !== undefined) pieces.spaces[start] = widest - width + 1;
    }
    from = Math.max(from, to);
  }
}

function columnsOf({ texts, spaces }: Pieces, from: number, to: number): number {
  let columns = 0;
  for (let index = from; index < to; index++) {
    columns += (spaces[index] ?? 0) + countGraphemes(texts[index] ?? '');
  }
  return columns;
}

function textOf({ texts, spaces }: Pieces): string {
  const out: string[] = [];
  for (let index = 0; index < texts.length; index++) {
    const blanks = spaces[index] ?? 0;
    if (blanks > 0) out.push(' '.repeat(blanks));
    out.push(texts[index] ?? '');
  }
  return out.join('');
}
