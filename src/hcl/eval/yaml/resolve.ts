import { convert } from '../conversion.ts';
import { fromCount, parseNumber } from '../numbers.ts';
import { quote } from '../quote.ts';
import { daysIn, parseTimestamp, timestampText } from '../time.ts';
import { STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { FALSE, NULL, number, string, TRUE } from '../values.ts';
import { YamlFailure } from './failure.ts';
import type { Style } from './token.ts';

const PREFIX = 'tag:yaml.org,2002:';
const KNOWN = ['str', 'bool', 'int', 'float', 'null', 'timestamp', 'binary'].map((name) => PREFIX + name);

const WORDS = new Map<string, Value>();
const word = (value: Value, ...texts: string[]): void => {
  for (const text of texts) WORDS.set(text, value);
};
word(TRUE, 'y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON');
word(FALSE, 'n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF');
word(NULL, '', '~', 'null', 'Null', 'NULL');
word(number(Number.POSITIVE_INFINITY), '.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF');
word(number(Number.NEGATIVE_INFINITY), '-.inf', '-.Inf', '-.INF');

const INTEGER = /^(?:[-+]?\d+|0o[0-7]+|0x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The value of a scalar, by its tag or, without one, by how it looks; quoted ones and blocks without a tag are texts. */
export function resolveScalar(tag: string, text: string, style: Style): Value {
  if (tag === '' && style !== 'plain') {
    if (style === 'single quoted' || style === 'double quoted') return string(text);
    // A block is a text to Terraform, but the text of what it would be on one line: of `|-` and `0x1F`, "31".
    return convert(resolveScalar('', text, 'plain'), STRING);
  }
  if (tag !== '' && !KNOWN.includes(tag)) throw new YamlFailure(`unsupported tag ${quote(tag)}`);
  const kind = tag === '' ? '' : tag.slice(PREFIX.length);
  const mayLook = text === '' || /^[-+0-9yYnNtTfFoO~.]/.test(text);
  if (mayLook && kind !== 'str' && kind !== 'binary') {
    if (style === 'single quoted' || style === 'double quoted') return string(text);
    const known = WORDS.get(text);
    if (known !== undefined) return known;
    if (tag === '' && /^\.(?:nan|NaN|NAN)$/.test(text))
      throw new YamlFailure('floating point NaN is not supported');
    const looked = byLook(text, kind);
    if (looked !== undefined) return looked;
  }
  return byTag(kind, tag, text);
}

function byLook(text: string, kind: string): Value | undefined {
  if (text.startsWith('.')) {
    const parsed = parseNumber(text);
    return parsed === undefined ? undefined : number(parsed);
  }
  if (!/^[-+0-9]/.test(text)) return undefined;
  if (kind === '' || kind === 'timestamp') {
    const time = timestampOf(text);
    if (time !== undefined) return string(time);
  }
  return INTEGER.test(text) || FLOAT.test(text) ? byTag('float', `${PREFIX}int`, text) : undefined;
}

function byTag(kind: string, tag: string, text: string): Value {
  const refuse = (why = ''): YamlFailure => new YamlFailure(`cannot parse ${quote(text)} as ${tag}${why}`);
  switch (kind) {
    case 'binary':
      if (!BASE64.test(text.replace(/[\r\n]/g, ''))) throw refuse(': not valid base64');
      return string(text);
    case 'bool':
      throw refuse();
    case 'int':
    case 'float': {
      const parsed = numberOf(text.replaceAll('_', ''));
      if (parsed === undefined) throw refuse();
      return parsed;
    }
    case 'timestamp': {
      const time = timestampOf(text);
      if (time === undefined) throw refuse();
      return string(time);
    }
    case 'null':
      return NULL;
    default:
      return string(text);
  }
}

const LARGEST = 2n ** 64n;

/** Decimal numbers, and whole ones in other bases as Go writes them, as far as 64 bits go. */
function numberOf(text: string): Value | undefined {
  const parsed = parseNumber(text);
  if (parsed !== undefined) return number(parsed);
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.exec(text);
  if (match === null) return undefined;
  const magnitude = BigInt(match[2] ?? '0');
  if (magnitude >= LARGEST || (match[1] !== '' && magnitude > LARGEST / 2n)) return undefined;
  return number(match[1] === '-' ? fromBig(-magnitude) : fromBig(magnitude));
}

const fromBig = (n: bigint) =>
  n >= 0n && n < 4096n ? fromCount(Number(n)) : (parseNumber(n.toString()) ?? 0);

const DATE = /^(\d{4})-(\d{1,2})-(\d{1,2})/;
const WITH_ZONE = /^[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const WITHOUT_ZONE = /^ (\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d+)?$/;

/** A date or a time in one of the forms YAML has, in RFC 3339's; undefined when it is none or not in the calendar. */
function timestampOf(text: string): string | undefined {
  const date = DATE.exec(text);
  if (date === null) return undefined;
  const [whole, year = '', month = '', day = ''] = date;
  if (Number(month) < 1 || Number(month) > 12) return undefined;
  if (Number(day) < 1 || Number(day) > daysIn(Number(month), Number(year))) return undefined;
  const rest = text.slice(whole.length);
  const time = WITH_ZONE.exec(rest) ?? WITHOUT_ZONE.exec(rest);
  if (rest !== '' && time === null) return undefined;
  const [, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = time ?? [];
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const two = (digits: string): string => digits.padStart(2, '0');
  const standard = `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${zone}`;
  try {
    return timestampText(parseTimestamp(standard));
  } catch {
    return undefined;
  }
}
