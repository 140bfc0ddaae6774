/**
 * Orders texts by Unicode code points, as Terraform does (it compares UTF-8 bytes, which is the same order).
 * JavaScript's `<` compares UTF-16 units, which puts U+FF5E after U+1F600.
 */
import { graphemesOf } from '../../model/graphemes.ts';
export function compareCodePoints(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    let left = a.charCodeAt(i);
    let right = b.charCodeAt(i);
    if (left === right) continue;
    // Surrogates stand for code points above every other unit, so lift them above U+FFFF.
    if (left >= 0xd800 && right >= 0xd800) {
      if (left <= 0xdfff) left += 0x10000;
      if (right <= 0xdfff) right += 0x10000;
    }
    return left - right;
  }
  return a.length - b.length;
}

/** The entries in the order in which Terraform iterates a mapping; the same Map when it is in order already. */
export function inKeyOrder<T>(entries: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  let previous: string | undefined;
  for (const key of entries.keys()) {
    if (previous !== undefined && compareCodePoints(previous, key) > 0) {
      return new Map([...entries].sort(([a], [b]) => compareCodePoints(a, b)));
    }
    previous = key;
  }
  return entries;
}

const oneClusterEach = /^[\x20-\x7e]*$/;

/**
 * Since Unicode 15.1 a consonant after a virama joins the cluster before it; Terraform's tables are 15.0, where it
 * starts one. Only these scripts have the rule. In a function, because
 * building it takes 0.8 ms of each start.
 */
const conjunct = (): RegExp =>
  /(?<=[\p{M}\u200d])(?=[\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Telugu}\p{Script=Malayalam}])(?=\p{Lo})/u;

/** The grapheme clusters of a text: what a reader would call its characters, and what `length` counts. */
export function graphemes(text: string): string[] {
  if (oneClusterEach.test(text)) return text.split('');
  const clusters: string[] = [];
  for (const { segment } of graphemesOf(text)) {
    if (segment.length > 1 && conjunct().test(segment)) clusters.push(...segment.split(conjunct()));
    else clusters.push(segment);
  }
  return clusters;
}

/** How many grapheme clusters a text has, without building them for plain text. */
export function graphemeCount(text: string): number {
  return oneClusterEach.test(text) ? text.length : graphemes(text).length;
}
