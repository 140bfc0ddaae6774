import type { CharacterTest } from './syntax.ts';

/** A part of a character class: a range, or a Unicode property. */
export type ClassItem =
  | { readonly from: number; readonly to: number }
  | { readonly property: string; readonly isNegated: boolean };

const range = (from: string, to = from): ClassItem => ({
  from: from.codePointAt(0) ?? 0,
  to: to.codePointAt(0) ?? 0,
});

const DIGIT = [range('0', '9')];
const SPACE = [range('\t', '\n'), range('\f', '\r'), range(' ')];
const WORD = [range('0', '9'), range('A', 'Z'), range('_'), range('a', 'z')];

/** `\d`, `\s` and `\w`: ASCII only, as RE2 has them. */
export const PERL_CLASSES: Readonly<Record<string, readonly ClassItem[]>> = { d: DIGIT, s: SPACE, w: WORD };

/** The classes of `[[:name:]]`. */
export const POSIX_CLASSES: Readonly<Record<string, readonly ClassItem[]>> = {
  alnum: [range('0', '9'), range('A', 'Z'), range('a', 'z')],
  alpha: [range('A', 'Z'), range('a', 'z')],
  ascii: [range('\0', '\x7f')],
  blank: [range('\t'), range(' ')],
  cntrl: [range('\0', '\x1f'), range('\x7f')],
  digit: DIGIT,
  graph: [range('!', '~')],
  lower: [range('a', 'z')],
  print: [range(' ', '~')],
  punct: [range('!', '/'), range(':', '@'), range('[', '`'), range('{', '~')],
  space: [range('\t', '\r'), range(' ')],
  upper: [range('A', 'Z')],
  word: WORD,
  xdigit: [range('0', '9'), range('A', 'F'), range('a', 'f')],
};

const CATEGORY = /^(?:L[ulmto]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfso]?)$/;
const SCRIPT = /^[A-Z][A-Za-z]+(?:_[A-Za-z]+)*$/;

/** A general category or a script by its full name, as JavaScript writes it; undefined when there is none. */
export function propertyOf(name: string): string | undefined {
  if (name === 'Any') return 'Any';
  if (CATEGORY.test(name)) return name;
  if (!SCRIPT.test(name)) return undefined;
  try {
    new RegExp(`\\p{Script=${name}}`, 'u');
    return `Script=${name}`;
  } catch {
    return undefined;
  }
}

/** Ranges with everything between them instead. */
export function complement(items: readonly ClassItem[]): ClassItem[] {
  const ranges = items.filter((item) => 'from' in item).sort((a, b) => a.from - b.from);
  const rest: ClassItem[] = [];
  let next = 0;
  for (const { from, to } of ranges) {
    if (from > next) rest.push({ from: next, to: from - 1 });
    next = Math.max(next, to + 1);
  }
  if (next <= 0x10ffff) rest.push({ from: next, to: 0x10ffff });
  return rest;
}

const escapeUnit = (codePoint: number): string => `\\u{${codePoint.toString(16)}}`;

/**
 * A test for one character. Each item becomes a JavaScript pattern for a single character, which cannot
 * backtrack and knows the Unicode tables and simple case folding. Answers are remembered.
 */
export function classTest(
  items: readonly ClassItem[],
  isNegated: boolean,
  ignoresCase: boolean,
): CharacterTest {
  const flags = ignoresCase ? 'iu' : 'u';
  const ranges = items.filter((item) => 'from' in item);
  const source = ranges.map(({ from, to }) => `${escapeUnit(from)}-${escapeUnit(to)}`).join('');
  const plain = source === '' ? undefined : new RegExp(`^[${source}]$`, flags);
  const properties = items
    .filter((item) => 'property' in item)
    .map(({ property, isNegated: not }) => ({ pattern: new RegExp(`^\\p{${property}}$`, flags), not }));
  const answers = new Map<number, boolean>();
  return (codePoint) => {
    const known = answers.get(codePoint);
    if (known !== undefined) return known;
    const character = String.fromCodePoint(codePoint);
    const fits =
      plain?.test(character) === true ||
      properties.some(({ pattern, not }) => pattern.test(character) !== not);
    const answer = fits !== isNegated;
    if (answers.size < 4096) answers.set(codePoint, answer);
    return answer;
  };
}

/** A test for exactly this character, in either case where case is ignored. */
export function literalTest(codePoint: number, ignoresCase: boolean): CharacterTest {
  if (!ignoresCase) return (other) => other === codePoint;
  return classTest([{ from: codePoint, to: codePoint }], false, true);
}

export const anyTest: CharacterTest = () => true;
export const notNewlineTest: CharacterTest = (codePoint) => codePoint !== 10;

export const isWordCharacter = (codePoint: number): boolean =>
  (codePoint >= 48 && codePoint <= 57) ||
  (codePoint >= 65 && codePoint <= 90) ||
  codePoint === 95 ||
  (codePoint >= 97 && codePoint <= 122);
