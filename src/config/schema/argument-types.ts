/** The types that arguments have. Each reads a value of the language into a plain value, or says what is wrong. */

import { numberText } from '../../hcl/eval/number-text.ts';
import { isWhole, toDouble } from '../../hcl/eval/numbers.ts';
import { quote } from '../../hcl/eval/quote.ts';
import { nearestName } from '../../hcl/eval/suggestion.ts';
import { MappingValue, SequenceValue, type Value } from '../../hcl/eval/values.ts';
import type { Expression } from '../../hcl/syntax/ast.ts';
import { isRefusal, parseDuration, parseInstant, parsePercent, type Refusal } from '../quantities.ts';
import type { ArgumentType } from './shape.ts';

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

const mismatch = (value: Value, hint?: string): Refusal => ({
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

const type = <T>(
  name: string,
  wants: string,
  decode: (value: Value) => T | Refusal,
  more: Partial<Pick<ArgumentType<T>, 'example' | 'evaluation' | 'accepts' | 'laterValues'>> = {},
): ArgumentType<T> => ({ name, wants, decode, evaluation: 'value', ...more });

/** A string that goes through `parse`; numbers and bools are read as their text. */
const parsed = <T>(
  name: string,
  wants: string,
  parse: (text: string) => T | Refusal,
  more: Partial<Pick<ArgumentType<T>, 'example' | 'evaluation' | 'laterValues'>> = {},
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

const oneLine = (text: string): Refusal | undefined =>
  hasControl.test(text) || text.includes('\n')
    ? { refused: `${quote(text)} has a line break or another control character in it.` }
    : undefined;

// ── text ───────────────────────────────────────────────────────────────────────────────────────────

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

export function choice<const C extends string>(
  values: readonly C[],
  more: { readonly laterValues?: readonly C[]; readonly mistakes?: Readonly<Record<string, C>> } = {},
): ArgumentType<C> {
  const listed = values.map((value) => `"${value}"`);
  const last = listed.pop() ?? '';
  const wants = listed.length === 0 ? last : `${listed.join(', ')} or ${last}`;
  return parsed<C>(
    listed.length === 0 ? last : [...listed, last].join(', '),
    wants,
    (text) => {
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
    },
    more.laterValues === undefined ? {} : { laterValues: more.laterValues },
  );
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

// ── numbers ────────────────────────────────────────────────────────────────────────────────────────

export const bool = type('bool', 'true or false', (value): boolean | Refusal => {
  if (value.kind === 'bool') return value.isTrue;
  if (value.kind === 'string' && (value.text === 'true' || value.text === 'false'))
    return value.text === 'true';
  return mismatch(value);
});

/** A string of digits is taken too, as Terraform does. */
function numberOf(value: Value): number | Refusal {
  if (value.kind === 'number') return toDouble(value.number);
  if (value.kind === 'string' && /^-?\d+(\.\d+)?$/.test(value.text)) return Number(value.text);
  return mismatch(value);
}

export const whole = (least: number, most: number, what = 'whole number'): ArgumentType<number> =>
  type(what, `a ${what} from ${least} to ${most}`, (value) => {
    const number = numberOf(value);
    if (isRefusal(number)) return number;
    if (value.kind === 'number' ? !isWhole(value.number) : !Number.isInteger(number)) {
      return { refused: `${textOf(value)} is not whole.` };
    }
    if (number < least) return { refused: `${textOf(value)} is too small.` };
    return number > most ? { refused: `${textOf(value)} is too large.` } : number;
  });

export const port = whole(1, 65535, 'port');

export const decimal = (least: number, most: number): ArgumentType<number> =>
  type('number', `a number from ${least} to ${most}`, (value) => {
    const number = numberOf(value);
    if (isRefusal(number)) return number;
    if (number < least) return { refused: `${textOf(value)} is too small.` };
    return number > most ? { refused: `${textOf(value)} is too large.` } : number;
  });

/** In milliseconds. */
export const duration = type(
  'duration',
  'a duration such as "30s"',
  (value): number | Refusal => {
    if (value.kind === 'string') return parseDuration(value.text);
    if (value.kind !== 'number') return mismatch(value);
    const text = textOf(value) ?? '';
    return {
      refused: 'a number',
      mismatch: true,
      hint: `Durations have a unit: "${text}s" for seconds, "${text}ms" for milliseconds.`,
    };
  },
  { example: '"1m30s"' },
);

/** A duration that is not zero, in milliseconds. */
export const someTime: ArgumentType<number> = {
  ...duration,
  wants: 'a duration longer than zero, such as "30s"',
  decode: (value) => {
    const ms = duration.decode(value);
    return ms === 0 ? { refused: 'It is zero.' } : ms;
  },
};

/** `"75%"`, as 75. */
export const percent = type(
  'percent',
  'a whole percent such as "75%"',
  (value): number | Refusal => {
    const text = textOf(value);
    return text === undefined || value.kind === 'bool' ? mismatch(value) : parsePercent(text);
  },
  { example: '"75%"' },
);

/** How many hosts at a time: a share of them or a number of them. */
export const batch = type(
  'percent or number',
  'a share of the hosts such as "25%", or a number of hosts',
  (value): { readonly percent: number } | { readonly hosts: number } | Refusal => {
    if (value.kind === 'string' && value.text.includes('%')) {
      const share = parsePercent(value.text);
      if (isRefusal(share)) return share;
      return share === 0 ? { refused: 'A batch of no hosts would never finish.' } : { percent: share };
    }
    const hosts = whole(1, 100_000).decode(value);
    return isRefusal(hosts) ? hosts : { hosts };
  },
);

export const instant = parsed('moment', 'a moment in the form of RFC 3339', parseInstant, {
  example: '"2026-12-24T00:00:00Z"',
});

// ── paths and addresses ────────────────────────────────────────────────────────────────────────────

/** A path on the operator's machine, as written: relative to the environment's folder, absolute, or from `~/`. */
export const localPath = parsed<string>('path', 'a path', (text) =>
  text === '' ? { refused: 'It is empty.' } : (oneLine(text) ?? text),
);

function readHostPath(text: string, home: boolean): string | Refusal {
  const control = oneLine(text);
  if (control !== undefined) return control;
  if (text === '') return { refused: 'It is empty.' };
  if (!text.startsWith('/') && !(home && text.startsWith('~/'))) {
    const refused = `${quote(text)} does not start with "/"${home ? ' or "~/"' : ''}.`;
    return text.startsWith('~')
      ? { refused }
      : { refused, hint: `Did you mean "/${text.replace(/^\.?\//, '')}"?` };
  }
  if (text.split('/').some((part) => part === '..' || part === '.')) {
    return { refused: `${quote(text)} has "." or ".." in it.` };
  }
  return text.length > 1 ? text.replace(/\/+/g, '/').replace(/\/$/, '') : text;
}

/** A path on a host. */
export const hostPath = parsed<string>(
  'absolute path',
  'an absolute path on the host',
  (text) => readHostPath(text, false),
  {
    example: '"/run/haproxy-master.sock"',
  },
);

/** A folder on a host, absolute or below the home folder of the user who logs in. */
export const hostFolder = parsed<string>(
  'absolute path',
  'an absolute path on the host, or one from "~/"',
  (text) => readHostPath(text, true),
  { example: '"/srv/shop"' },
);

/** A path in a URL, with a query if need be. */
export const urlPath = parsed<string>(
  'URL path',
  'the path of a URL, starting with "/"',
  (text) => {
    if (/^https?:\/\//.test(text)) {
      return {
        refused: `${quote(text)} is a whole URL.`,
        hint: 'Write the path alone; address and port have arguments of their own.',
      };
    }
    if (!text.startsWith('/'))
      return { refused: `${quote(text)} does not start with "/".`, hint: `Write "/${text}".` };
    return /[\s\x00-\x1f\x7f]/.test(text)
      ? { refused: `${quote(text)} has a space or a control character in it.` }
      : text;
  },
  { example: '"/health"' },
);

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;
const ipv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const ipv6 = /^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?$/;

/** An IP address or a name, without port, user or scheme. */
export const networkAddress = parsed<string>(
  'address',
  'an IP address or a host name',
  (text) => {
    if (/^[\d.]+$/.test(text)) {
      return ipv4.test(text) ? text : { refused: `${quote(text)} is not an IPv4 address.` };
    }
    if (/^[a-z][a-z0-9+]*:\/\//.test(text))
      return { refused: `${quote(text)} is a URL.`, hint: 'Write the address alone.' };
    if (text.includes('@')) {
      return {
        refused: `${quote(text)} has a user in it.`,
        hint: 'Set "user" in an ssh block and the address alone here.',
      };
    }
    if (/^[^:]+:\d+$/.test(text)) {
      return {
        refused: `${quote(text)} has a port in it.`,
        hint: 'Set "port" in the host or in an ssh block.',
      };
    }
    if (text.includes(':'))
      return ipv6.test(text) ? text : { refused: `${quote(text)} is not an IPv6 address.` };
    return hostName.test(text) ? text : { refused: `${quote(text)} is neither.` };
  },
  { example: '"10.0.1.11"' },
);

/** `address:port`. */
export const endpoint = parsed<string>(
  'address and port',
  'an address with a port, such as "10.0.0.53:53"',
  (text) => {
    const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
    const portNumber = Number(match?.[3]);
    if (match === null || portNumber < 1 || portNumber > 65535) return { refused: `${quote(text)} is not.` };
    const address = match[1] ?? match[2] ?? '';
    return ipv4.test(address) || ipv6.test(address) || hostName.test(address)
      ? text
      : { refused: `${quote(text)} is not.` };
  },
  { example: '"10.0.0.53:53"' },
);

export const httpUrl = parsed<string>('URL', 'a URL that starts with http:// or https://', (text) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    ? text
    : { refused: `${quote(text)} is not.` },
);

// ── collections ────────────────────────────────────────────────────────────────────────────────────

function listOf<T>(value: Value, decode: (item: Value) => T | Refusal): readonly T[] | Refusal {
  if (!(value instanceof SequenceValue)) return mismatch(value);
  const items: T[] = [];
  for (const [index, item] of value.elements.entries()) {
    if (item.kind === 'null') return { refused: `Item ${index + 1} is null.` };
    const decoded = decode(item);
    if (isRefusal(decoded)) {
      const problem = decoded.mismatch ? `is ${decoded.refused}.` : `is not right: ${decoded.refused}`;
      return {
        refused: `Item ${index + 1} ${problem}`,
        ...(decoded.hint === undefined ? {} : { hint: decoded.hint }),
      };
    }
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
  const entries: [string, T][] = [];
  for (const [key, item] of value.entries) {
    const decoded = decode(item, key);
    if (isRefusal(decoded)) {
      const problem = decoded.mismatch ? `is ${decoded.refused}.` : `is not right: ${decoded.refused}`;
      return {
        refused: `${quote(key)} ${problem}`,
        ...(decoded.hint === undefined ? {} : { hint: decoded.hint }),
      };
    }
    if (decoded !== undefined) entries.push([key, decoded]);
  }
  return Object.fromEntries(entries);
}

export const textMap = type<Readonly<Record<string, string>>>('map of strings', 'a map of strings', (value) =>
  entriesOf(value, (item) => (item.kind === 'null' ? undefined : prose.decode(item))),
);

/** Slot names to names of pools. */
export const wordMap = type<Readonly<Record<string, string>>>('map of names', 'a map of names', (value) =>
  entriesOf(value, word.decode),
);

export const lineListMap = type('map of lists of strings', 'a map of lists of strings', (value) =>
  entriesOf(value, lines.decode),
);

export const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

// ── references ─────────────────────────────────────────────────────────────────────────────────────

/** The attribute of a block's object that says which block it is: what the block's address is. */
export const ID = 'id';

/** A whole object of a block, such as `release.shop`, as its address. */
export const objectOfBlock = (blockType: string, example: string): ArgumentType<string> =>
  type(
    blockType,
    `a ${blockType}, such as ${example}`,
    (value) => {
      const id = value instanceof MappingValue ? value.entries.get(ID) : undefined;
      if (id?.kind === 'string') {
        return new RegExp(`(^|\\.)${blockType}\\.[^.]+$`).test(id.text)
          ? id.text
          : { refused: `${id.text} is something else.` };
      }
      if (value.kind === 'string') {
        const reference = /^[A-Za-z_][\w-]*$/.test(value.text) ? `${blockType}.${value.text}` : example;
        return { ...mismatch(value), hint: `Refer to the block itself, without quotes: ${reference}` };
      }
      return mismatch(value);
    },
    { example },
  );

/** The name of a host, given as its name or as the host itself. */
export const host = type(
  'host',
  'a host or the name of a host',
  (value): string | Refusal => {
    if (value.kind === 'string') return value.text === '' ? { refused: 'It is empty.' } : value.text;
    if (!(value instanceof MappingValue)) return mismatch(value);
    const name = value.entries.get('name');
    if (name?.kind === 'string') return name.text;
    const first = value.entries.values().next().value;
    if (first instanceof MappingValue && first.entries.has('name')) {
      return {
        ...mismatch(value),
        hint: 'This is a group of hosts made by for_each. Name one of them by its key, or take all with values(...).',
      };
    }
    return mismatch(value);
  },
  { example: 'host.lb-1' },
);

/** Names of hosts from a list of names and hosts; a whole group (`host.web`) counts as its members. */
export const hosts = type(
  'list of hosts',
  'a list of hosts or of their names',
  (value): readonly string[] | Refusal => {
    const names: string[] = [];
    const take = (item: Value): Refusal | undefined => {
      if (isGroup(item)) {
        for (const member of item instanceof SequenceValue ? item.elements : item.entries.values()) {
          const refusal = take(member);
          if (refusal !== undefined) return refusal;
        }
        return undefined;
      }
      const name = host.decode(item);
      if (isRefusal(name)) return name;
      names.push(name);
      return undefined;
    };
    if (!(value instanceof SequenceValue) && !isGroup(value)) {
      const single = host.decode(value);
      return isRefusal(single)
        ? mismatch(value)
        : { ...mismatch(value), hint: 'Put it in brackets: one host is a list of one.' };
    }
    if (isGroup(value) && value instanceof MappingValue) return take(value) ?? names;
    for (const [index, item] of (value as SequenceValue).elements.entries()) {
      const refusal = item.kind === 'null' ? { refused: 'null', mismatch: true as const } : take(item);
      if (refusal !== undefined) {
        return {
          refused: `Item ${index + 1} ${refusal.mismatch ? `is ${refusal.refused}.` : `is not right: ${refusal.refused}`}`,
          ...(refusal.hint === undefined ? {} : { hint: refusal.hint }),
        };
      }
    }
    return names;
  },
  { example: '[host.lb-1, "web-1"]' },
);

/** Hosts made by `count` or `for_each`, taken as a whole. */
function isGroup(value: Value): value is SequenceValue | MappingValue {
  if (value instanceof SequenceValue) return true;
  if (!(value instanceof MappingValue) || value.entries.has('name')) return false;
  return value.entries
    .values()
    .every((member) => member instanceof MappingValue && member.entries.has('name'));
}

// ── not evaluated ──────────────────────────────────────────────────────────────────────────────────

/** An expression that the block's reader evaluates itself. */
export const raw = (name: string, wants: string): ArgumentType<Expression> => ({
  name,
  wants,
  evaluation: 'raw',
  decode: () => {
    throw new Error(`${name} is not evaluated here`);
  },
});

/** An expression that is never evaluated: a type, an address. */
export const written = (name: string, wants: string): ArgumentType<Expression> => ({
  ...raw(name, wants),
  evaluation: 'static',
});

/** The value as it is, of any type. */
export const anything = type('any', 'any value', (value): Value => value);
