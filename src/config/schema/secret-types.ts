/** Arguments that may hold a secret. The value of `secret.x` is a token that says which secret it is, and no more. */
import { marksWithin, string, type Value, withMarks } from '../../hcl/eval/values.ts';
import type { EnvironmentValue } from '../../model/declared.ts';
import type { Refusal } from '../quantities.ts';
import { describeKind, entriesOf, prose, variableName } from './argument-types.ts';
import type { ArgumentType } from './shape.ts';

/** No text of a configuration can begin like this: it is not a character, and the parser refuses it nowhere else. */
const TOKEN = '\u{1ffff}secret:';

/** What `secret.x` evaluates to. The mark follows everything that is made of it, so nothing of it is ever shown. */
export const secretToken = (name: string): Value =>
  withMarks(string(TOKEN + name), new Set([`secret.${name}`]));

/** The name of the secret that a value is, whole and unchanged. */
export const secretNameOf = (value: Value): string | undefined =>
  value.kind === 'string' &&
  value.text.startsWith(TOKEN) &&
  value.marks.has(`secret.${value.text.slice(TOKEN.length)}`)
    ? value.text.slice(TOKEN.length)
    : undefined;

/** The secret that something was made of: `secret.tsig`. */
export const secretMarkOf = (value: Value): string | undefined =>
  [...marksWithin(value)].find((mark) => mark.startsWith('secret.'));

const partOfSecret = (reference: string): Refusal => ({
  refused: `It is made from ${reference}, and a secret can only be used whole: it is not read before the run.`,
  hint: `Pass ${reference} as a value of its own, and put the pieces together where it is used.`,
});

/** A whole secret, by name. */
export const secretValue: ArgumentType<{ readonly secret: string }> = {
  name: 'secret',
  wants: 'a secret, such as secret.tsig',
  evaluation: 'value',
  accepts: 'secrets',
  example: 'secret.tsig',
  decode: (value) => {
    const name = secretNameOf(value);
    if (name !== undefined) return { secret: name };
    const mark = secretMarkOf(value);
    if (mark !== undefined) return partOfSecret(mark);
    return {
      refused: describeKind(value),
      mismatch: true,
      hint: 'A secret is never written down here: declare it with a secret block and refer to that.',
    };
  },
};

export type Environment = Readonly<Record<string, EnvironmentValue>>;

/** The environment of a process: strings, and whole secrets. A variable set to null is left out. */
export const environmentMap: ArgumentType<Environment> = {
  name: 'map of strings and secrets',
  wants: 'a map of strings and secrets',
  evaluation: 'value',
  accepts: 'secrets',
  example: '{ MODE = "prod", TOKEN = secret.token }',
  decode: (value) =>
    entriesOf<EnvironmentValue>(value, (item, key) => {
      if (!variableName.test(key)) {
        return { refused: 'A variable has a name of letters, digits and _, not beginning with a digit.' };
      }
      if (item.kind === 'null') return undefined;
      const name = secretNameOf(item);
      if (name !== undefined) return { secret: name };
      const mark = secretMarkOf(item);
      return mark === undefined ? prose.decode(item) : partOfSecret(mark);
    }),
};
