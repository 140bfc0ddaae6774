import { constants, createHash, createPrivateKey, privateDecrypt } from 'node:crypto';
import { bcryptHash } from '../bcrypt.ts';
import { quote } from '../quote.ts';
import { NUMBER, STRING } from '../types.ts';
import type { Value } from '../values.ts';
import { string, unknown } from '../values.ts';
import { textOf, textParameter, wholeOf } from './arguments.ts';
import type { FunctionDefinition } from './definition.ts';
import { discreet, FunctionFailure } from './definition.ts';
import { fromBase64, fromUtf8 } from './encoding.ts';

/** The hash functions, by the name they have here and in OpenSSL, and how their result is written. */
export const HASHES: readonly (readonly [name: string, algorithm: string, encoding: 'hex' | 'base64'])[] = [
  ['base64sha256', 'sha256', 'base64'],
  ['base64sha512', 'sha512', 'base64'],
  ['md5', 'md5', 'hex'],
  ['sha1', 'sha1', 'hex'],
  ['sha256', 'sha256', 'hex'],
  ['sha512', 'sha512', 'hex'],
];

const hashes = HASHES.map(
  ([name, algorithm, encoding]): FunctionDefinition => ({
    name,
    family: 'hash',
    summary: `The ${algorithm.replace('sha', 'SHA-').replace('md5', 'MD5')} hash of a text, in ${encoding}.`,
    parameters: [textParameter('str')],
    returns: STRING,
    call: (args) => string(createHash(algorithm).update(textOf(args, 0)).digest(encoding)),
  }),
);

const MIN_COST = 4;
/** Terraform's is 31, which takes days. Each step doubles the time; this one is some seconds. */
const MAX_COST = 16;
const DEFAULT_COST = 10;
const LONGEST_PASSWORD = 72;

const bcrypt: FunctionDefinition = {
  name: 'bcrypt',
  family: 'hash',
  summary: 'A hash of a password, with a salt that is another one each time.',
  parameters: [textParameter('str')],
  variadic: { name: 'cost', type: NUMBER },
  returns: STRING,
  call: (args, { ports, budget }) => {
    if (args.length > 2) throw discreet('bcrypt() takes no more than two arguments');
    const password = Buffer.from(textOf(args, 0));
    const asked = args.length > 1 ? wholeOf(args, 1) : DEFAULT_COST;
    // As in Go, what is too small counts as not said.
    const cost = asked < MIN_COST ? DEFAULT_COST : asked;
    if (cost > 31) {
      throw discreet(
        `error occurred generating password crypto/bcrypt: cost ${cost} is outside allowed inclusive range 4..31`,
      );
    }
    if (cost > MAX_COST) throw discreet(`a cost of ${cost} takes too long; the highest is ${MAX_COST}`);
    if (password.length > LONGEST_PASSWORD) {
      throw discreet('error occurred generating password bcrypt: password length exceeds 72 bytes');
    }
    const salt = ports.randomBytes?.(16);
    if (salt === undefined) return unknown(STRING);
    budget.spend(2 ** cost * 100);
    return string(bcryptHash(password, salt, cost));
  },
};

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Sixteen bytes as a UUID, with the version and the variant put in where there is one. */
function uuidText(bytes: Uint8Array, version?: number): string {
  const copy = Uint8Array.from(bytes.subarray(0, 16));
  if (version !== undefined) {
    copy[6] = ((copy[6] ?? 0) & 0x0f) | (version << 4);
    copy[8] = ((copy[8] ?? 0) & 0x3f) | 0x80;
  }
  return hexOf(copy).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const NAMESPACES: Readonly<Record<string, string>> = {
  dns: '6ba7b8109dad11d180b400c04fd430c8',
  url: '6ba7b8119dad11d180b400c04fd430c8',
  oid: '6ba7b8129dad11d180b400c04fd430c8',
  x500: '6ba7b8149dad11d180b400c04fd430c8',
};

const UUID = /^(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;

function namespaceOf(text: string): Buffer {
  const known = Object.hasOwn(NAMESPACES, text) ? NAMESPACES[text] : undefined;
  if (known !== undefined) return Buffer.from(known, 'hex');
  if (/^[0-9a-f]{32}$/i.test(text)) return Buffer.from(text, 'hex');
  const match = UUID.exec(text.length === 38 ? text.slice(1, -1) : text);
  if (match !== null) return Buffer.from(match.slice(1).join(''), 'hex');
  const length = Buffer.byteLength(text);
  const why = [32, 36, 38, 45].includes(length) ? 'invalid UUID format' : `invalid UUID length: ${length}`;
  throw new FunctionFailure(`uuidv5() doesn't support namespace ${text} (${why})`);
}

const uuidv5: FunctionDefinition = {
  name: 'uuidv5',
  family: 'hash',
  summary: 'The UUID of a name in a namespace: "dns", "url", "oid", "x500" or another UUID.',
  parameters: [textParameter('namespace'), textParameter('name')],
  returns: STRING,
  call: (args) => {
    const namespace = namespaceOf(textOf(args, 0));
    return string(uuidText(createHash('sha1').update(namespace).update(textOf(args, 1)).digest(), 5));
  },
};

const rsadecrypt: FunctionDefinition = {
  name: 'rsadecrypt',
  family: 'hash',
  summary: 'The text that was encrypted for a private key (PKCS #1 v1.5), from base64.',
  parameters: [textParameter('ciphertext'), textParameter('privatekey')],
  returns: STRING,
  call: (args) => {
    const ciphertext = fromBase64(textOf(args, 0));
    if (ciphertext === undefined) {
      throw new FunctionFailure(
        `failed to decode input ${quote(textOf(args, 0))}: cipher text must be base64-encoded`,
        0,
      );
    }
    return decrypt(ciphertext, textOf(args, 1));
  },
};

function decrypt(ciphertext: Buffer, pem: string): Value {
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw discreet('invalid private key: ssh: no key found', 1);
  }
  if (key.asymmetricKeyType !== 'rsa') throw discreet('invalid private key type: an RSA key is required', 1);
  let text: string | undefined;
  try {
    text = fromUtf8(privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, ciphertext));
  } catch {
    throw discreet('failed to decrypt: crypto/rsa: decryption error');
  }
  if (text === undefined) throw discreet('the decrypted bytes are not valid UTF-8');
  return string(text);
}

export const HASH_FUNCTIONS: readonly FunctionDefinition[] = [
  bcrypt,
  ...hashes,
  rsadecrypt,
  {
    name: 'uuid',
    family: 'hash',
    summary: 'A random UUID, another one each time.',
    parameters: [],
    returns: STRING,
    call: (_, { ports }) => {
      const bytes = ports.randomBytes?.(16);
      return bytes === undefined ? unknown(STRING) : string(uuidText(bytes));
    },
  },
  uuidv5,
];
