/**
 * What ssh2 does at a cost that we need not pay, measured on Node 24 with 1,000 hosts. All of it is behind ssh2's
 * public face, so each part looks before it touches and leaves things as they are where they are not as expected;
 * test/contract/host-economy.test.ts notices when an ssh2 of another version makes one of them void.
 */
import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  type KeyObject,
  sign,
} from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, ParsedKey } from 'ssh2';
import { allocPacket, isGcm } from './ssh2-gcm.ts';

interface Inside {
  readonly _protocol?: {
    readonly _cipher?: unknown;
    readonly _decipher?: { _decipherKey?: unknown; _onPayload?: unknown };
    readonly _kex?: { readonly type?: unknown };
    readonly _handlers?: { SERVICE_ACCEPT?: unknown };
    authPK?: unknown;
    service?: unknown;
  };
}

/** What all key exchanges by curve25519 inherit in ssh2. */
interface Curve25519Exchange {
  readonly _keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly generateKeys: () => void;
  getPublicKey: (this: Curve25519Exchange) => Buffer;
  computeSecret: (this: Curve25519Exchange, theirs: Buffer) => Buffer | Error;
}

type AskByKey = (
  user: string,
  key: ParsedKey,
  algorithm: string | undefined,
  signed?: (bytes: Buffer, done: (signature: Buffer) => void) => void,
) => void;

type OnPayload = (payload: Uint8Array) => unknown;
type AskForService = (name: string) => void;
type OnService = (protocol: unknown, name: string) => void;

/**
 * Call it at each 'handshake'; `key`: the one that logs in, where it lies in memory. Gives the names of what took hold.
 *
 * - the keys: AES-GCM makes a cipher for each packet. From a key as bytes that costs 24 us, from a KeyObject 3 us.
 * - `host keys`: OpenSSH offers all its host keys after the login. ssh2 reads each of them and has it prove itself: a round
 *   trip and signatures, for a list that we do not use. Our known_hosts are changed by people.
 * - `padding`: see {@link allocPacket}.
 * - `key exchange`: ssh2 has OpenSSL write our key as DER, twice, for its last 32 bytes, and writes DER around the other's key
 *   itself; that DER is no key object Node finds out by two exceptions, thrown and caught. A JWK and a PEM are read without
 *   either. This is changed in what all later connections inherit.
 * - `login`: ssh2 asks whether a key would do before it signs with it. That spares a person who has to touch a token for
 *   each signature; with a key that lies in memory it is a round trip, and a search for the key, for nothing (RFC 4252
 *   section 7 lets a client sign at once). How often a login can fail stays the same.
 * - `service`: see {@link loginWithService}.
 */
export function economize(client: Client, key?: ParsedKey): readonly string[] {
  const { _protocol: protocol } = client as unknown as Inside;
  const done: string[] = [];
  const cipher = protocol?._cipher;
  if (isGcm(cipher) && cipher._encKey instanceof Uint8Array) {
    cipher._encKey = createSecretKey(cipher._encKey);
    cipher.allocPacket = allocPacket;
    done.push('key to send', 'padding');
  }
  const decipher = protocol?._decipher;
  if (decipher !== undefined && decipher._decipherKey instanceof Uint8Array) {
    decipher._decipherKey = createSecretKey(decipher._decipherKey);
    done.push('key to receive');
  }
  if (decipher !== undefined && typeof decipher._onPayload === 'function') {
    const take = decipher._onPayload as OnPayload;
    decipher._onPayload = ((payload) =>
      isOfferOfKeys(payload) ? undefined : take(payload)) satisfies OnPayload;
    done.push('host keys');
  }
  if (protocol?._kex?.type === '25519') {
    const inherited = Object.getPrototypeOf(protocol._kex) as Curve25519Exchange;
    if (Object.hasOwn(inherited, 'getPublicKey') && Object.hasOwn(inherited, 'computeSecret')) {
      inherited.getPublicKey = rawPublicKey;
      inherited.computeSecret = sharedSecret;
      done.push('key exchange');
    }
  }
  if (protocol !== undefined && typeof protocol.authPK === 'function') {
    const ask = (protocol.authPK as AskByKey).bind(protocol);
    protocol.authPK = ((user, key, algorithm, signed) => {
      if (signed !== undefined || !key.isPrivateKey()) return ask(user, key, algorithm, signed);
      ask(user, key, algorithm, (bytes, done) => {
        const signature = key.sign(bytes, hashOf(algorithm)) as Buffer | Error;
        // What is wrong with the key ssh2 says itself, when the host has taken it and it comes to signing.
        if (signature instanceof Error) ask(user, key, algorithm);
        else done(signature);
      });
    }) satisfies AskByKey;
    done.push('login');
  }
  if (key !== undefined && loginWithService(protocol, key)) done.push('service');
  return done;
}

/**
 * ssh2 waits for the word that logins are taken here before it asks for one. A server that takes none says goodbye anyhow,
 * and one that does reads what it is told in turn: the login is asked for in the same breath, a round trip less on every
 * way to a host. A key of RSA has to wait: with which hash it may sign, the server says before its answer (RFC 8308).
 */
function loginWithService(protocol: Inside['_protocol'], key: ParsedKey): boolean {
  const handlers = protocol?._handlers;
  if (typeof protocol?.service !== 'function' || typeof handlers?.SERVICE_ACCEPT !== 'function') return false;
  if (key.type === 'ssh-rsa') return false;
  const ask = protocol.service.bind(protocol) as AskForService;
  const goOn = handlers.SERVICE_ACCEPT as OnService;
  protocol.service = ((name) => {
    ask(name);
    handlers.SERVICE_ACCEPT = () => {};
    goOn(protocol, name);
  }) satisfies AskForService;
  return true;
}

/** SSH_MSG_GLOBAL_REQUEST of this name (OpenSSH's PROTOCOL, section 2.5) that wants no reply. */
const offer = Buffer.from('\x50\0\0\0\x17hostkeys-00@openssh.com\0', 'latin1');
const isOfferOfKeys = (payload: Uint8Array): boolean =>
  payload[0] === offer[0] && offer.equals(payload.subarray(0, offer.length));

function rawPublicKey(this: Curve25519Exchange): Buffer {
  this.generateKeys();
  return Buffer.from(String(this._keys.publicKey.export({ format: 'jwk' }).x), 'base64url');
}

/** A public key of X25519 is these twelve bytes as DER (RFC 8410), and then itself. */
const x25519Der = 'MCowBQYDK2VuAyEA';

/** RFC 8731 section 3.1: an mpint. Gives the error, as ssh2 does, where the other's is no key or makes a secret of zeros. */
function sharedSecret(this: Curve25519Exchange, theirs: Buffer): Buffer | Error {
  this.generateKeys();
  try {
    // OpenSSL reads no further than the 32 bytes that are announced.
    if (theirs.length !== 32) throw new Error(`a public key of ${theirs.length} bytes`);
    const pem = `-----BEGIN PUBLIC KEY-----\n${x25519Der}${theirs.toString('base64')}\n-----END PUBLIC KEY-----\n`;
    return asMpint(diffieHellman({ privateKey: this._keys.privateKey, publicKey: createPublicKey(pem) }));
  } catch (error) {
    return error as Error;
  }
}

/** RFC 4251 section 5: without zeros before it, but for one where it would be negative. Its length is not written. */
function asMpint(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(first);
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits;
}

/** Only for RSA there is a choice; undefined: what goes with the type of the key. */
const hashOf = (algorithm: string | undefined): string | undefined =>
  new Map([
    ['ssh-rsa', 'sha1'],
    ['rsa-sha2-256', 'sha256'],
    ['rsa-sha2-512', 'sha512'],
  ]).get(algorithm ?? '');

/** A session that has ended is ended again by ssh2 when it is destroyed: an error that nobody is told, and its stack. */
export function endOnce(channel: ClientChannel): void {
  const end = channel.end.bind(channel) as () => ClientChannel;
  channel.destroy = () => {
    if (!channel.writableEnded) end();
    channel.close();
    return channel;
  };
}

/** ssh2 hands OpenSSL the text of the key for each signature, and to read it takes longer than to sign. */
export function signWithoutReading(key: ParsedKey): ParsedKey {
  const signing = key.sign.bind(key);
  let read: KeyObject;
  try {
    read = createPrivateKey(key.getPrivatePEM());
  } catch {
    // What OpenSSL has against it is told when ssh2 signs with it.
    return key;
  }
  key.sign = (bytes: Buffer | string, algorithm?: string): Buffer => {
    // The types whose hash ssh2 keeps to itself.
    if (algorithm === undefined && key.type !== 'ssh-ed25519') return signing(bytes);
    return sign(algorithm, Buffer.from(bytes), read);
  };
  return key;
}

/**
 * Lets what is written in one turn of the event loop go out together. ssh2 writes each packet in three parts (length,
 * content, tag); without Nagle's algorithm, and it has to be off, each would be a segment that wakes the other side.
 * What is small goes as one piece: a list of pieces costs Node more than to put them together.
 */
export function writeTogether(stream: Duplex): void {
  const write = stream.write.bind(stream) as (chunk: Uint8Array, written?: Written) => boolean;
  const end = stream.end.bind(stream);
  let held: (readonly [Uint8Array, Written | undefined])[] = [];
  let heldBytes = 0;
  const flush = (): void => {
    const chunks = held;
    if (chunks.length === 0 || !stream.writable) return;
    const isSmall = heldBytes <= mostTogether;
    held = [];
    heldBytes = 0;
    if (isSmall) {
      write(Buffer.concat(chunks.map(([chunk]) => chunk)));
      return;
    }
    stream.cork();
    for (const [chunk, written] of chunks) write(chunk, written);
    stream.uncork();
  };
  stream.write = ((chunk: Uint8Array, written?: Written): boolean => {
    if (held.length === 0) process.nextTick(flush);
    held.push([chunk, written]);
    heldBytes += chunk.length;
    return true;
  }) as Duplex['write'];
  stream.end = ((...given: Parameters<typeof end>) => {
    flush();
    return end(...given);
  }) as Duplex['end'];
}

const mostTogether = 4_096;

/** Called when the stream is done with a large chunk; for what goes as one piece with others, never. */
type Written = (error?: Error | null) => void;
