/**
 * The last line of defence before a terminal. Text from hosts is escaped where it enters; names, paths and messages
 * from elsewhere go through the same escaper here, so that nothing that deployctl prints can move a cursor, hide a
 * line, or reorder one.
 */
import { type VisibleOptions, visible } from '../model/visible.ts';

/** The same value with every string in it, keys too, made safe; newlines are kept only where asked for. */
export function printable<T>(value: T, keep: VisibleOptions = {}): T {
  const convert = (part: unknown): unknown => {
    if (typeof part === 'string') return visible(part, keep);
    if (Array.isArray(part)) return part.map(convert);
    if (part !== null && typeof part === 'object') {
      return Object.fromEntries(Object.entries(part).map(([key, each]) => [visible(key), convert(each)]));
    }
    return part;
  };
  return convert(value) as T;
}

/** JSON in which what JSON itself leaves raw is escaped too: the same value, and harmless on a terminal. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
