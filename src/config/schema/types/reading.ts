/** What the types of arguments are made of. */
import { numberText } from '../../../hcl/eval/number-text.ts';
import { quote } from '../../../hcl/eval/quote.ts';
import type { Value } from '../../../hcl/eval/values.ts';
import type { Refusal } from '../../quantities.ts';
import type { ArgumentType } from '../shape.ts';

const kindNames: Readonly<Record<Value['kind'], string>> = {
  null: 'null',
  unknown: 'not known yet',
  string: 'a string',
  number: 'a number',
  bool: 'a bool',
  list: 'a list',
  set: 'a set',
  tuple: 'a list',
  map: 'a map',
  object: 'an object',
};

/** What a value is, for a sentence: "a string". */
export const describeKind = (value: Value): string => kindNames[value.kind];

export const mismatch = (value: Value, hint?: string): Refusal => ({
  refused: describeKind(value),
  mismatch: true,
  ...(hint === undefined ? {} : { hint }),
});

/** Strings, numbers and bools become text, as everywhere in the language; undefined for anything else. */
export function textOf(value: Value): string | undefined {
  if (value.kind === 'string') return value.text;
  if (value.kind === 'number') return numberText(value.number);
  return value.kind === 'bool' ? String(value.isTrue) : undefined;
}

export const type = <T>(
  name: string,
  wants: string,
  decode: (value: Value) => T | Refusal,
  more: Partial<Pick<ArgumentType<T>, 'example' | 'evaluation' | 'accepts' | 'isKnown'>> = {},
): ArgumentType<T> => ({ name, wants, decode, evaluation: 'value', ...more });

/** A string that goes through `parse`; numbers and bools are read as their text. */
export const parsed = <T>(
  name: string,
  wants: string,
  parse: (text: string) => T | Refusal,
  more: Partial<Pick<ArgumentType<T>, 'example' | 'evaluation'>> = {},
): ArgumentType<T> =>
  type(
    name,
    wants,
    (value) => {
      const text = textOf(value);
      return text === undefined ? mismatch(value) : parse(text);
    },
    more,
  );

const hasControl = /[\x00-\x08\x0b-\x1f\x7f]/;

export const oneLine = (text: string): Refusal | undefined =>
  hasControl.test(text) || text.includes('\n')
    ? { refused: `${quote(text)} has a line break or another control character in it.` }
    : undefined;
