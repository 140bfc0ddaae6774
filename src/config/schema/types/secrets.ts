/** Arguments that may hold a secret. The value of `secret.x` is a token that says which secret it is, and no more. */
import { marksWithin, string, type Value, withMarks } from '../../../hcl/eval/values.ts';
import type { EnvironmentValue } from '../../../model/declared.ts';
import type { Refusal } from '../../quantities.ts';
import type { ArgumentType } from '../shape.ts';
import { entriesOf, variableName } from './collections.ts';
import { mismatch } from './reading.ts';
import { prose } from './text.ts';

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
  as: { code: 'secret-not-whole', summary: 'Secret inside of a larger value' },
  refused: `This value is made from ${reference}, and a secret can only be used whole: it is read on the way to where it is used, and never before.`,
  hint: `Pass ${reference} as a value of its own, and let the program put the pieces together.`,
});

const sensitiveItem: Refusal = {
  as: { code: 'sensitive-in-plan', summary: 'Sensitive value in the plan' },
  refused: 'This value is sensitive, and would be written to the plan and the state.',
  hint: 'Declare a secret block and refer to it: secret "token" { env = "TOKEN" }, then secret.token. It is read when it is used.',
};

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
      ...mismatch(value),
      hint: 'A secret is never written down here: declare it with a secret block and refer to that.',
    };
  },
};

export type Environment = Readonly<Record<string, EnvironmentValue>>;

function valueOrSecret(item: Value): EnvironmentValue | Refusal | undefined {
  if (item.kind === 'null') return undefined;
  const name = secretNameOf(item);
  if (name !== undefined) return { secret: name };
  const mark = secretMarkOf(item);
  if (mark !== undefined) return partOfSecret(mark);
  return marksWithin(item).size > 0 ? sensitiveItem : prose.decode(item);
}

const badKey = (key: string, what: string, form: string): Refusal => ({
  as: { code: 'invalid-value', summary: 'Invalid value for argument' },
  refused: `${JSON.stringify(key)} cannot be the name of ${what}: ${form}.`,
});

/** The environment of a process: strings, and whole secrets. A variable set to null is left out. */
export const environmentMap: ArgumentType<Environment> = {
  name: 'map of strings and secrets',
  wants: 'a map of strings and secrets',
  evaluation: 'value',
  accepts: 'secrets',
  example: '{ MODE = "prod", TOKEN = secret.token }',
  decode: (value) =>
    entriesOf<EnvironmentValue>(value, (item, key) =>
      variableName.test(key)
        ? valueOrSecret(item)
        : badKey(
            key,
            'an environment variable',
            'that has letters, digits and _, and does not begin with a digit',
          ),
    ),
};

/** RFC 9110, section 5.6.2: a token. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Headers of a request: strings, and whole secrets. */
export const headerMap: ArgumentType<Environment> = {
  ...environmentMap,
  example: '{ Authorization = secret.token }',
  decode: (value) =>
    entriesOf<EnvironmentValue>(value, (item, key) =>
      headerName.test(key) ? valueOrSecret(item) : badKey(key, 'a header', 'that has letters, digits and -'),
    ),
};
