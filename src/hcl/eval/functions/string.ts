import { graphemes } from '../code-points.ts';
import { checkLength } from '../limits.ts';
import { BOOL, listType, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { bool, isWhollyKnown, list, string, unknown } from '../values.ts';
import { argument, elementsOf, numberParameter, textOf, textParameter, texts, wholeOf } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet } from './definition.ts';

const onText = (name: string, summary: string, apply: (text: string) => string): FunctionDefinition => ({
  name,
  family: 'string',
  summary,
  parameters: [textParameter('str')],
  returns: STRING,
  call: (args) => string(apply(textOf(args, 0))),
});

const onTwo = (
  name: string,
  second: string,
  summary: string,
  apply: (text: string, other: string) => string,
): FunctionDefinition => ({
  name,
  family: 'string',
  summary,
  parameters: [textParameter('str'), textParameter(second)],
  returns: STRING,
  call: (args) => string(apply(textOf(args, 0), textOf(args, 1))),
});

// Go maps each code point by itself to one other, where JavaScript knows "ß" to "SS" and the final sigma.
const GREEK_WITH_IOTA = /^[\u1f80-\u1f87\u1f90-\u1f97\u1fa0-\u1fa7]$/;
const OTHER_IOTA: Readonly<Record<string, string>> = { ᾳ: 'ᾼ', ῃ: 'ῌ', ῳ: 'ῼ' };

function upperOf(character: string): string {
  if (GREEK_WITH_IOTA.test(character)) return String.fromCharCode(character.charCodeAt(0) + 8);
  const upper = OTHER_IOTA[character] ?? character.toUpperCase();
  return [...upper].length === 1 ? upper : character;
}

function lowerOf(character: string): string {
  if (character === 'İ') return 'i';
  const lower = character.toLowerCase();
  return [...lower].length === 1 ? lower : character;
}

const isAscii = /^[\0-\x7f]*$/;
const toUpper = (text: string): string =>
  isAscii.test(text) ? text.toUpperCase() : Array.from(text, upperOf).join('');
const toLower = (text: string): string =>
  isAscii.test(text) ? text.toLowerCase() : Array.from(text, lowerOf).join('');

const TITLE_FORMS: Readonly<Record<string, string>> = {
  ǆ: 'ǅ',
  Ǆ: 'ǅ',
  ǉ: 'ǈ',
  Ǉ: 'ǈ',
  ǌ: 'ǋ',
  Ǌ: 'ǋ',
  ǳ: 'ǲ',
  Ǳ: 'ǲ',
};
const isWordPart = (character: string): boolean => /^[\p{L}\p{Nd}_]$/u.test(character);
const isSpace = /^[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

/** A letter after the start or after what separates words becomes a capital; beyond ASCII only spaces separate. */
function toTitle(text: string): string {
  let separated = true;
  let result = '';
  for (const character of text) {
    result += separated ? (TITLE_FORMS[character] ?? upperOf(character)) : character;
    separated = isAscii.test(character)
      ? !/^[0-9A-Za-z_]$/.test(character)
      : !isWordPart(character) && isSpace.test(character);
  }
  return result;
}

const SPACE = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const leadingSpace = new RegExp(`^${SPACE}+`);

function trimSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace.test(text.charAt(end - 1))) end--;
  return text.slice(0, end).replace(leadingSpace, '');
}

function trimCharacters(text: string, cutset: string): string {
  const cut = new Set(cutset);
  const characters = [...text];
  let start = 0;
  let end = characters.length;
  while (start < end && cut.has(characters[start] ?? '')) start++;
  while (end > start && cut.has(characters[end - 1] ?? '')) end--;
  return characters.slice(start, end).join('');
}

function chomp(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--;
  return text.slice(0, end);
}

/** Every occurrence of `from`; an empty one stands before each character and at the end. */
export function replaceAll(text: string, from: string, to: string): string {
  const pieces = from === '' ? ['', ...text, ''] : text.split(from);
  checkLength(text.length + pieces.length * to.length);
  if (text === '' && from === '') return to;
  return pieces.join(to);
}

const indent: FunctionDefinition = {
  name: 'indent',
  family: 'string',
  summary: 'Puts spaces before every line but the first.',
  parameters: [numberParameter('spaces'), textParameter('str')],
  returns: STRING,
  call: (args) => {
    const spaces = wholeOf(args, 0);
    if (spaces < 0) throw discreet('the number of spaces must not be negative', 0);
    const lines = textOf(args, 1).split('\n');
    checkLength(lines.length * spaces);
    return string(lines.join(`\n${' '.repeat(lines.length > 1 ? spaces : 0)}`));
  },
};

const join: FunctionDefinition = {
  name: 'join',
  family: 'string',
  summary: 'Puts the texts of one or more lists together, with a separator between them.',
  parameters: [textParameter('separator')],
  variadic: texts('lists'),
  returns: STRING,
  call: (args) => {
    const separator = textOf(args, 0);
    const lists = args.slice(1);
    if (lists.length === 0) throw discreet('at least one list is required');
    const items: string[] = [];
    if (!lists.every(isWhollyKnown)) return unknown(STRING);
    let length = 0;
    for (const [at, given] of lists.entries()) {
      for (const [i, item] of elementsOf(given).entries()) {
        if (item.kind !== 'string') {
          const which = lists.length > 1 ? ` of list ${at + 1}` : '';
          throw discreet(`element ${i}${which} is null; cannot concatenate null values`, at + 1);
        }
        length += item.text.length + separator.length;
        items.push(item.text);
      }
    }
    checkLength(length);
    return string(items.join(separator));
  },
};

export const textList = (items: readonly string[]): Value => list(items.map(string), STRING);

const split: FunctionDefinition = {
  name: 'split',
  family: 'string',
  summary: 'Takes a text apart at each separator.',
  parameters: [textParameter('separator'), textParameter('str')],
  returns: listType(STRING),
  call: (args) => {
    const separator = textOf(args, 0);
    const text = textOf(args, 1);
    return textList(separator === '' ? [...text] : text.split(separator));
  },
};

const substr: FunctionDefinition = {
  name: 'substr',
  family: 'string',
  summary: 'A part of a text, by the place of its first character and its length; -1 is all the rest.',
  parameters: [textParameter('str'), numberParameter('offset'), numberParameter('length')],
  returns: STRING,
  call: (args) => {
    const text = textOf(args, 0);
    let offset = wholeOf(args, 1);
    const length = wholeOf(args, 2);
    if (offset >= 0 && length === 0) return string('');
    const clusters = graphemes(text);
    if (offset < 0) offset += clusters.length;
    const rest = clusters.slice(Math.max(offset, 0));
    // A length of 0 after a negative offset is never reached while counting up, so it is as good as none.
    return string((length <= 0 ? rest : rest.slice(0, length)).join(''));
  },
};

const startswith: FunctionDefinition = {
  name: 'startswith',
  family: 'string',
  summary: 'Whether a text begins with another.',
  parameters: [{ ...textParameter('str'), takesUnknown: true }, textParameter('prefix')],
  returns: BOOL,
  call: (args) => {
    const value = argument(args, 0);
    const prefix = textOf(args, 1);
    if (value.kind === 'string') return bool(value.text.startsWith(prefix));
    if (prefix === '') return bool(true);
    const known = value.kind === 'unknown' ? (value.refinement.prefix ?? '') : '';
    if (known.startsWith(prefix)) return bool(true);
    return known !== '' && Buffer.byteLength(known) >= Buffer.byteLength(prefix)
      ? bool(false)
      : unknown(BOOL);
  },
};

const test = (
  name: string,
  second: string,
  summary: string,
  apply: (text: string, other: string) => boolean,
): FunctionDefinition => ({
  name,
  family: 'string',
  summary,
  parameters: [textParameter('str'), textParameter(second)],
  returns: BOOL,
  call: (args) => bool(apply(textOf(args, 0), textOf(args, 1))),
});

export const STRING_FUNCTIONS: readonly FunctionDefinition[] = [
  onText('chomp', 'The text without line endings at its end.', chomp),
  test('endswith', 'suffix', 'Whether a text ends with another.', (text, suffix) => text.endsWith(suffix)),
  indent,
  join,
  onText('lower', 'The text in small letters.', toLower),
  split,
  startswith,
  test('strcontains', 'substr', 'Whether a text contains another.', (text, other) => text.includes(other)),
  onText('strrev', 'The characters in reverse order.', (text) => graphemes(text).reverse().join('')),
  substr,
  onText('title', 'The first letter of each word as a capital.', toTitle),
  onTwo('trim', 'cutset', 'The text without any of these characters at its ends.', trimCharacters),
  onTwo('trimprefix', 'prefix', 'The text without this beginning.', (text, prefix) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  ),
  onText('trimspace', 'The text without white space at its ends.', trimSpace),
  onTwo('trimsuffix', 'suffix', 'The text without this end.', (text, suffix) =>
    suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  onText('upper', 'The text in capital letters.', toUpper),
];
