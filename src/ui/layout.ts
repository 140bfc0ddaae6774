/**
 * Text measured in terminal columns. All of it works on text without colour: lay out first, paint afterwards.
 */

import stringWidth from 'string-width';
import { graphemesOf } from '../model/graphemes.ts';

const plainAscii = /^[\x20-\x7e]*$/;

/** Columns that a terminal needs for it: wide characters count two, combining marks none. */
export const columns = (text: string): number => (plainAscii.test(text) ? text.length : stringWidth(text));

export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - columns(text)));

export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - columns(text))) + text;

/** At most `width` columns; what was cut is told by `…`. Never cuts a character in two. */
export function clip(text: string, width: number): string {
  if (columns(text) <= width) return text;
  if (width <= 0) return '';
  return `${takeColumns(text, width - 1)}…`;
}

/** The longest beginning that fits. */
function takeColumns(text: string, width: number): string {
  if (plainAscii.test(text)) return text.slice(0, width);
  let taken = '';
  let used = 0;
  for (const { segment } of graphemesOf(text)) {
    used += columns(segment);
    if (used > width) break;
    taken += segment;
  }
  return taken;
}

/**
 * Breaks at spaces into lines of at most `width` columns; a word that is longer than a line is cut where the line
 * ends. Spaces inside a line are kept, so what was aligned stays aligned. Never returns an empty list.
 */
export function wrap(text: string, width: number): readonly string[] {
  if (columns(text) <= width) return [text];
  const room = Math.max(1, width);
  // More units than any line has: a word of a megabyte is not measured anew for each of its lines.
  const longest = 16 * room;
  const lines: string[] = [];
  let line = '';
  for (const token of text.match(/\s*\S+/g) ?? []) {
    if (columns(line + token) <= room) {
      line += token;
      continue;
    }
    if (line !== '') lines.push(line);
    line = lines.length === 0 && line === '' ? token : token.trimStart();
    while (line.length > longest || columns(line) > room) {
      const head = takeColumns(line.slice(0, longest), room) || [...line].slice(0, 1).join('');
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}

/** Wraps behind a label: `first` stands before the first line, blanks of the same width before the others. */
export function hang(first: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(columns(first));
  return wrap(text, width - indent.length).map((line, at) => (at === 0 ? first : indent) + line);
}

/** Left, and flush with the edge the first of `rights` that leaves the left `least` columns; the left is cut to fit. */
export function spread(
  left: string,
  rights: readonly string[],
  width: number,
  least = 16,
): { readonly left: string; readonly right: string } {
  const right = rights.find((each) => width - columns(each) - 2 >= Math.min(least, columns(left))) ?? '';
  if (right === '') return { left: clip(left, width), right };
  const room = width - columns(right) - 2;
  return { left: padEnd(clip(left, room), room + 2), right };
}
