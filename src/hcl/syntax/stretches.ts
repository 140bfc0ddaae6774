import { isAsciiNamePart, isDigit, nameEnd as wholeNameEnd } from './characters.ts';
import { type CodeUnits, unitAt } from './code-units.ts';

/*
 * How far things go that are longer than one character: each function is given where it starts, or where its first
 * character ends, and gives where it ends.
 */

const QUOTE = 0x22;
const DOLLAR = 0x24;
const PERCENT_SIGN = 0x25;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const LF = 0x0a;
const CR = 0x0d;

/** A name whose first character ends at `from`. */
export function nameEnd(text: string, units: CodeUnits, from: number): number {
  let at = from;
  while (isAsciiNamePart(unitAt(units, at))) at++;
  return unitAt(units, at) < 128 ? at : wholeNameEnd(text, at);
}

/** Digits, dots and exponents, as long as the last character is not a dot: `1.2.3` is one (wrong) number. */
export function numberEnd(units: CodeUnits, from: number): number {
  let at = from;
  let end = from;
  for (;;) {
    const code = unitAt(units, at);
    if (isDigit(code)) {
      end = ++at;
    } else if (code === DOT) {
      at++;
    } else if (code === 0x65 || code === 0x45) {
      const sign = unitAt(units, at + 1);
      const digit = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1;
      if (!isDigit(unitAt(units, digit))) return end;
      end = at = digit + 1;
    } else {
      return end;
    }
  }
}

/** Text in quotes: up to a quote, a line ending, a sequence, or a backslash before a line ending. */
export function quotedTextEnd(units: CodeUnits, from: number): number {
  const { length } = units;
  let at = from;
  while (at < length) {
    const code = unitAt(units, at);
    if (code === QUOTE || code === LF || code === CR) return at;
    if (code === BACKSLASH) {
      const next = unitAt(units, at + 1);
      if (next === LF || next === CR || at + 1 === length) return at;
      at += 2;
    } else if (code === DOLLAR || code === PERCENT_SIGN) {
      const width = sigilWidth(units, at);
      if (width === 0) return at;
      at += width;
    } else {
      at++;
    }
  }
  return at;
}

/** Text of a heredoc or a bare template: up to the end of the line, its LF included, a sequence, or a lone CR. */
export function plainTextEnd(units: CodeUnits, from: number): number {
  const { length } = units;
  let at = from;
  while (at < length) {
    const code = unitAt(units, at);
    if (code === LF) return at + 1;
    if (code === CR) return unitAt(units, at + 1) === LF ? at + 2 : at;
    if (code === DOLLAR || code === PERCENT_SIGN) {
      const width = sigilWidth(units, at);
      if (width === 0) return at;
      // HashiCorp's text ends between the byte after a sigil and the line's end: `~` trims only so far.
      const next = unitAt(units, at + 1);
      if (next !== LF && next < 0x80 && isLineEnd(units, at + 2)) return at + 2;
      at += width;
    } else {
      at++;
    }
  }
  return at;
}

function isLineEnd(units: CodeUnits, at: number): boolean {
  const code = unitAt(units, at);
  return code === LF || (code === CR && unitAt(units, at + 1) === LF);
}

/** How much of the text from a `$` or `%` is literal: 3 for `$${`, 0 for `${`, else 1. */
function sigilWidth(units: CodeUnits, at: number): number {
  const next = unitAt(units, at + 1);
  if (next === OPEN) return 0;
  return next === unitAt(units, at) && unitAt(units, at + 2) === OPEN ? 3 : 1;
}
