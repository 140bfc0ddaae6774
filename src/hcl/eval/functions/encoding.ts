import { constants, crc32, deflateRawSync } from 'node:zlib';
import { CsvFailure, parseCsv } from '../csv.ts';
import { decodeJson, encodeJson, JsonFailure } from '../json.ts';
import { quote } from '../quote.ts';
import { encodingOf } from '../text-encodings.ts';
import type { Type } from '../types.ts';
import { DYNAMIC, objectType, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { isWhollyKnown, list, object, string, unknown } from '../values.ts';
import { decodeYaml } from '../yaml/decode.ts';
import { encodeYaml } from '../yaml/encode.ts';
import { YamlFailure } from '../yaml/failure.ts';
import { argument, textOf, textParameter } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';

const encoder = (
  name: string,
  summary: string,
  apply: (bytes: Buffer, text: string) => string,
): FunctionDefinition => ({
  name,
  family: 'encoding',
  summary,
  parameters: [textParameter('str')],
  returns: STRING,
  call: (args) => string(apply(Buffer.from(textOf(args, 0)), textOf(args, 0))),
});

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Bytes of standard base64 with padding; line breaks in it are skipped. Undefined when it is not. */
export function fromBase64(text: string): Buffer | undefined {
  const compact = text.replace(/[\r\n]/g, '');
  return BASE64.test(compact) ? Buffer.from(compact, 'base64') : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes; undefined when they are not. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const base64decode: FunctionDefinition = {
  name: 'base64decode',
  family: 'encoding',
  summary: 'The text that a base64 text stands for.',
  parameters: [textParameter('str')],
  returns: STRING,
  call: (args) => {
    const text = textOf(args, 0);
    const bytes = fromBase64(text);
    if (bytes === undefined) throw new FunctionFailure(`failed to decode base64 data ${quote(text)}`);
    const decoded = fromUtf8(bytes);
    if (decoded === undefined) {
      throw discreet('the result of decoding the provided string is not valid UTF-8');
    }
    return string(decoded);
  },
};

/** The bytes Go's gzip writer makes: no name, no time, an unknown system, flushed once before the end. */
function gzip(bytes: Buffer): string {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  const body = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  const end = Buffer.from([1, 0, 0, 0xff, 0xff]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes), 0);
  trailer.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([header, body, end, trailer]).toString('base64');
}

/** As in a query: spaces are `+`, and everything but letters, digits and `-_.~` is escaped. */
const urlEncode = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');

const unsupported = (name: string): FunctionFailure =>
  new FunctionFailure(
    `${quote(name)} is not a supported IANA encoding name or alias in this Terraform version`,
    1,
  );

const textencodebase64: FunctionDefinition = {
  name: 'textencodebase64',
  family: 'encoding',
  summary: 'A text in a character encoding, as base64.',
  parameters: [textParameter('string'), textParameter('encoding')],
  returns: STRING,
  call: (args) => {
    const name = textOf(args, 1);
    const encoding = encodingOf(name);
    if (encoding === undefined) throw unsupported(name);
    const bytes = encoding.encode(textOf(args, 0));
    if (bytes === undefined) {
      throw discreet(
        `the given string contains characters that cannot be represented in ${encoding.name}`,
        0,
      );
    }
    return string(Buffer.from(bytes).toString('base64'));
  },
};

const textdecodebase64: FunctionDefinition = {
  name: 'textdecodebase64',
  family: 'encoding',
  summary: 'The text that base64 stands for in a character encoding.',
  parameters: [textParameter('source'), textParameter('encoding')],
  returns: STRING,
  call: (args) => {
    const name = textOf(args, 1);
    const encoding = encodingOf(name);
    if (encoding === undefined) throw unsupported(name);
    const source = textOf(args, 0);
    const bytes = fromBase64(source);
    if (bytes === undefined) {
      throw discreet(`the given value is has an invalid base64 symbol at offset ${badBase64(source)}`, 0);
    }
    const text = encoding.decode(bytes);
    if (text === undefined) {
      throw discreet(`the given string contains symbols that are not defined for ${encoding.name}`, 0);
    }
    return string(text);
  },
};

/** Where Go's decoder stops: at the first wrong symbol, or at the group of four that is not complete. */
function badBase64(text: string): number {
  let inGroup = 0;
  for (const [i, symbol] of [...text].entries()) {
    if (symbol === '\r' || symbol === '\n') continue;
    if (symbol === '=') {
      if (inGroup < 2) return i;
      const rest = text.slice(i + 1).replace(/[\r\n]/g, '');
      if (inGroup === 2 && rest === '') return text.length;
      return inGroup === 2 && !rest.startsWith('=') ? i + 1 : i + 1 + (inGroup === 2 ? 1 : 0);
    }
    if (!/^[A-Za-z0-9+/]$/.test(symbol)) return i;
    inGroup = (inGroup + 1) % 4;
  }
  return text.length - inGroup;
}

const jsondecode: FunctionDefinition = {
  name: 'jsondecode',
  family: 'encoding',
  summary: 'The value of a JSON text.',
  parameters: [textParameter('str')],
  mayBeNull: true,
  returns: DYNAMIC,
  call: (args) => {
    try {
      return decodeJson(textOf(args, 0));
    } catch (failure) {
      if (!(failure instanceof JsonFailure)) throw failure;
      throw new FunctionFailure(failure.message);
    }
  },
};

const jsonencode: FunctionDefinition = {
  name: 'jsonencode',
  family: 'encoding',
  summary: 'A value as JSON on one line.',
  parameters: [{ name: 'val', type: DYNAMIC, takesNull: true, takesUnknown: true, takesDynamic: true }],
  returns: STRING,
  call: (args) => {
    const value = argument(args, 0);
    if (!isWhollyKnown(value)) return unknown(STRING, { notNull: true, ...knownStart(value) });
    try {
      return string(encodeJson(value));
    } catch (failure) {
      if (!(failure instanceof JsonFailure)) throw failure;
      throw new FunctionFailure(failure.message);
    }
  },
};

/** The bracket or quote that the JSON of a value of this type begins with, if it is not null. */
function knownStart(value: Value): { prefix?: string } {
  if (value.kind === 'unknown' && value.refinement.notNull !== true) return {};
  const prefix = FIRST[value.type.kind];
  return prefix === undefined ? {} : { prefix };
}

const FIRST: Partial<Record<Type['kind'], string>> = {
  string: '"',
  object: '{',
  map: '{',
  tuple: '[',
  list: '[',
  set: '[',
};

const csvdecode: FunctionDefinition = {
  name: 'csvdecode',
  family: 'encoding',
  summary: 'A list of objects from a CSV text, whose first line names the attributes.',
  parameters: [textParameter('str')],
  returns: DYNAMIC,
  call: (args) => {
    const [headers, ...rows] = parseOrBlame(textOf(args, 0));
    if (headers === undefined) throw discreet('missing header line');
    const names = headers.map((name) => name.normalize('NFC'));
    for (const [i, name] of names.entries()) {
      if (names.indexOf(name) < i) throw new FunctionFailure(`duplicate column name ${quote(name)}`);
    }
    const type = objectType(new Map(names.map((name) => [name, STRING])));
    const values = rows.map((row) => object(new Map(row.map((field, i) => [names[i] ?? '', string(field)]))));
    return list(values, type);
  },
};

function parseOrBlame(text: string): string[][] {
  try {
    return parseCsv(text);
  } catch (failure) {
    if (!(failure instanceof CsvFailure)) throw failure;
    throw discreet(failure.message);
  }
}

const yamldecode: FunctionDefinition = {
  name: 'yamldecode',
  family: 'encoding',
  summary: 'The value of a YAML document.',
  parameters: [textParameter('src')],
  mayBeNull: true,
  returns: DYNAMIC,
  call: (args) => {
    try {
      return decodeYaml(textOf(args, 0));
    } catch (failure) {
      if (!(failure instanceof YamlFailure)) throw failure;
      throw new FunctionFailure(failure.message);
    }
  },
};

const yamlencode: FunctionDefinition = {
  name: 'yamlencode',
  family: 'encoding',
  summary: 'A value as YAML.',
  parameters: [{ name: 'value', type: DYNAMIC, takesNull: true, takesDynamic: true }],
  mayBeNull: true,
  returns: STRING,
  call: (args) => {
    const value = argument(args, 0);
    return isWhollyKnown(value) ? string(encodeYaml(value)) : unknown(STRING);
  },
};

export const ENCODING_FUNCTIONS: readonly FunctionDefinition[] = [
  base64decode,
  encoder('base64encode', 'A text as base64.', (bytes) => bytes.toString('base64')),
  encoder('base64gzip', 'A text compressed with gzip, as base64.', gzip),
  csvdecode,
  jsondecode,
  jsonencode,
  textdecodebase64,
  textencodebase64,
  encoder('urlencode', 'A text as it can stand in the query of a URL.', (_, text) => urlEncode(text)),
  yamldecode,
  yamlencode,
];
