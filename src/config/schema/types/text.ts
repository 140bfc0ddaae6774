/** Text: lines, names, versions, words to choose from. */
import { quote } from '../../../hcl/eval/quote.ts';
import { nearestName } from '../../../hcl/eval/suggestion.ts';
import { isAudienceName } from '../../../model/index.ts';
import type { ArgumentType } from '../shape.ts';
import { oneLine, parsed } from './reading.ts';

/** Text that may have several lines. */
export const prose = parsed<string>('string', 'a string', (text) =>
  text.includes('\0') ? { refused: 'It has a NUL character in it.' } : text,
);

/** One line of text that is not empty. */
export const line = parsed<string>('string', 'a string on one line, not empty', (text) =>
  text === '' ? { refused: 'It is empty.' } : (oneLine(text) ?? text),
);

/** Text that may not refer to anything: `source` of a module, `required_version`. */
export const literalText: ArgumentType<string> = { ...line, evaluation: 'literal' };

/** The part of a folder's name that stands for a version. */
export const version = parsed<string>(
  'version',
  'a version of letters, digits and . _ + ~ -, at most 100 characters long',
  (text) => {
    if (/^[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}$/.test(text)) return text;
    if (text === '') return { refused: 'It is empty.' };
    return { refused: `${quote(text)} cannot be part of a folder's name on the hosts.` };
  },
  { example: '"1.4.2"' },
);

/** The name of a user, unit, route or pool: one word that needs no quoting anywhere. */
export const word = parsed<string>(
  'name',
  'a name of letters, digits and . _ -, at most 64 characters long',
  (text) =>
    /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(text)
      ? text
      : { refused: `${quote(text)} is not such a name.` },
);

export const cookieName = parsed<string>(
  'cookie name',
  'the name of a cookie: letters, digits, _ and -, at most 64 characters long',
  (text) => (isAudienceName(text) ? text : { refused: `${quote(text)} is not such a name.` }),
);

export function choice<const C extends string>(
  values: readonly C[],
  more: { readonly mistakes?: Readonly<Record<string, C>> } = {},
): ArgumentType<C> {
  const listed = values.map((value) => `"${value}"`);
  const last = listed.pop() ?? '';
  const wants = listed.length === 0 ? last : `${listed.join(', ')} or ${last}`;
  return parsed<C>(listed.length === 0 ? last : [...listed, last].join(', '), wants, (text) => {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    const meant =
      more.mistakes?.[text] ??
      values.find((value) => value === text.toLowerCase().replaceAll('-', '_')) ??
      nearestName(text, values);
    return {
      refused: `${quote(text)} is none of these.`,
      ...(meant === undefined ? {} : { hint: `Did you mean "${meant}"?` }),
    };
  });
}

export const sha256 = parsed<string>(
  'SHA-256',
  'a SHA-256 of 64 hexadecimal digits',
  (text) => {
    const hex = text.replace(/^sha256:/i, '').toLowerCase();
    if (/^[0-9a-f]{64}$/.test(hex)) return hex;
    if (/^[0-9a-f]+$/.test(hex)) return { refused: `It has ${hex.length} digits.` };
    return { refused: `${quote(text)} has other characters in it.` };
  },
  { example: '"9f86d081884c7d65..."' },
);
