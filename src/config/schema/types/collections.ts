/** Lists, maps and commands. */
import { quote } from '../../../hcl/eval/quote.ts';
import { MappingValue, SequenceValue, type Value } from '../../../hcl/eval/values.ts';
import { isAudienceName, isAudienceQueryValue, isAudienceValue } from '../../../model/index.ts';
import { setOwn } from '../../own.ts';
import { isRefusal, type Refusal, within } from '../../quantities.ts';
import type { ArgumentType } from '../shape.ts';
import { endpoint, localPath } from './places.ts';
import { mismatch, type } from './reading.ts';
import { line, prose, word } from './text.ts';

function listOf<T>(value: Value, decode: (item: Value) => T | Refusal): readonly T[] | Refusal {
  if (!(value instanceof SequenceValue)) return mismatch(value);
  const items: T[] = [];
  for (const [index, item] of value.elements.entries()) {
    const decoded = item.kind === 'null' ? mismatch(item) : decode(item);
    if (isRefusal(decoded)) return within(decoded, index);
    items.push(decoded);
  }
  return items;
}

const listType = <T>(
  name: string,
  wants: string,
  item: ArgumentType<T>,
  example?: string,
): ArgumentType<readonly T[]> =>
  type(name, wants, (value) => listOf(value, item.decode), example === undefined ? {} : { example });

export const lines = listType('list of strings', 'a list of strings', line);

/** Who may do something: a list without anybody is a mistake, for nothing could be done any more. */
export const persons = type('list of strings', 'a list of strings', (value): readonly string[] | Refusal => {
  const names = lines.decode(value);
  if (isRefusal(names) || names.length > 0) return names;
  return {
    refused: 'The list is empty, so nobody could apply or revert.',
    hint: 'Name at least one user, or leave it out for everybody. To deploy nothing for a time, declare a freeze.',
  };
});
export const endpoints = listType('list of addresses', 'a list of addresses with ports', endpoint);

/** One path or several. */
export const localPaths = type(
  'path or list of paths',
  'a path or a list of paths',
  (value): readonly string[] | Refusal => {
    if (value instanceof SequenceValue) return listOf(value, localPath.decode);
    const path = localPath.decode(value);
    return isRefusal(path) ? path : [path];
  },
);

const commandExample = '["bin/serve", "--port=8080"]';

/** An argument list; the first item is the program. */
export const command = type(
  'command',
  'a list of strings: the program, then its arguments',
  (value): readonly string[] | Refusal => {
    if (value.kind === 'string') {
      const words = value.text
        .trim()
        .split(/\s+/)
        .map((part) => JSON.stringify(part));
      const plain = /^[\w\s./=:@%+,-]*$/.test(value.text) && value.text.trim() !== '';
      return {
        ...mismatch(value),
        hint: plain
          ? `Commands are lists, so that nothing has to be quoted: [${words.join(', ')}].`
          : 'Commands are lists. For a shell, write ["sh", "-c", "..."].',
      };
    }
    const argv = listOf(value, prose.decode);
    if (isRefusal(argv)) return argv;
    if (argv.length === 0) return { refused: 'The list is empty.' };
    return argv[0] === '' ? { refused: 'The program, its first item, is empty.' } : argv;
  },
  { example: commandExample },
);

/** An argument list, or a script as a string: `["sh", "-eu", "-c", script]`. */
export const commandOrScript = type(
  'command or script',
  'a list of strings, or a script for sh -eu as one string',
  (value): readonly string[] | Refusal => {
    if (value.kind !== 'string') return command.decode(value);
    if (value.text.includes('\0')) return { refused: 'It has a NUL character in it.' };
    return value.text.trim() === '' ? { refused: 'The script is empty.' } : ['sh', '-eu', '-c', value.text];
  },
  { example: '["bin/migrate", "--check"]' },
);

export function entriesOf<T>(
  value: Value,
  decode: (item: Value, key: string) => T | Refusal | undefined,
): Readonly<Record<string, T>> | Refusal {
  if (!(value instanceof MappingValue)) return mismatch(value);
  const entries: Record<string, T> = {};
  // Not pair by pair, which would make a list of two for each: every host has labels.
  for (const key of value.entries.keys()) {
    const item = value.entries.get(key);
    const decoded = item === undefined ? undefined : decode(item, key);
    if (isRefusal(decoded)) return within(decoded, key);
    if (decoded !== undefined) setOwn(entries, key, decoded);
  }
  return entries;
}

export const textMap = type<Readonly<Record<string, string>>>('map of strings', 'a map of strings', (value) =>
  entriesOf(value, (item) => (item.kind === 'null' ? undefined : prose.decode(item))),
);

const audienceMapOf = (isValue: (text: string) => boolean, characters: string) =>
  type<Readonly<Record<string, string>>>('map of strings', 'a map of strings', (value) =>
    entriesOf(value, (item, key) => {
      if (!isAudienceName(key)) {
        return { refused: `${quote(key)} is not a name of letters, digits, _ and -.` };
      }
      const text = prose.decode(item);
      return isRefusal(text) || isValue(text)
        ? text
        : {
            refused: `${quote(text)} has other characters than letters, digits and ${characters}, which every load balancer can compare.`,
          };
    }),
  );

/** What requests of an audience carry: names of headers or cookies, and the value of each. */
export const audienceMap = audienceMapOf(isAudienceValue, '. _ ~ : / + = @ -');
/** The same of the query. */
export const queryMap = audienceMapOf(isAudienceQueryValue, '. _ ~ -');

/** Slot names to names of pools. */
export const wordMap = type<Readonly<Record<string, string>>>('map of names', 'a map of names', (value) =>
  entriesOf(value, word.decode),
);

export const lineListMap = type('map of lists of strings', 'a map of lists of strings', (value) =>
  entriesOf(value, lines.decode),
);

export const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;
