/**
 * What ssh2 does at a cost that we need not pay, measured on Node 24 with 1,000 hosts. All of it is behind ssh2's
 * public face, so each part looks before it touches and leaves things as they are where they are not as expected;
 * test/contract/host-economy.test.ts notices when an ssh2 of another version makes one of them void.
 */
import { createPrivateKey, createSecretKey, type KeyObject, sign } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Client, ParsedKey } from 'ssh2';

interface Inside {
  readonly _protocol?: {
    readonly _cipher?: { _encKey?: unknown };
    readonly _decipher?: { _decipherKey?: unknown };
    readonly _handlers?: { GLOBAL_REQUEST?: unknown };
    authPK?: unknown;
  };
}

type AskByKey = (
  user: string,
  key: ParsedKey,
  algorithm: string | undefined,
  signed?: (bytes: Buffer, done: (signature: Buffer) => void) => void,
) => void;

type OnGlobalRequest = (protocol: unknown, name: string, wantsReply: boolean, rest: unknown) => void;

/**
 * Call it at each 'handshake'. Gives the names of what took hold.
 *
 * - the keys: AES-GCM makes a cipher for each packet. From a key as bytes that costs 24 us, from a KeyObject 3 us.
 * - `host keys`: OpenSSH offers all its host keys after the login, and ssh2 has it prove each of them: a round trip and
 *   signatures, for a list that we do not use. Our known_hosts are changed by people.
 * - `login`: ssh2 asks whether a key would do before it signs with it. That spares a person who has to touch a token for
 *   each signature; with a key that lies in memory it is a round trip, and a search for the key, for nothing (RFC 4252
 *   section 7 lets a client sign at once). How often a login can fail stays the same.
 */
export function economize(client: Client): readonly string[] {
  const { _protocol: protocol } = client as unknown as Inside;
  const done: string[] = [];
  const cipher = protocol?._cipher;
  if (cipher !== undefined && cipher._encKey instanceof Uint8Array) {
    cipher._encKey = createSecretKey(cipher._encKey);
    done.push('key to send');
  }
  const decipher = protocol?._decipher;
  if (decipher !== undefined && decipher._decipherKey instanceof Uint8Array) {
    decipher._decipherKey = createSecretKey(decipher._decipherKey);
    done.push('key to receive');
  }
  const handlers = protocol?._handlers;
  const original = handlers?.GLOBAL_REQUEST;
  if (handlers !== undefined && typeof original === 'function') {
    const handle = original as OnGlobalRequest;
    handlers.GLOBAL_REQUEST = ((source, name, wantsReply, rest) => {
      if (name !== 'hostkeys-00@openssh.com' || wantsReply) handle(source, name, wantsReply, rest);
    }) satisfies OnGlobalRequest;
    done.push('host keys');
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
  return done;
}

/** Only for RSA there is a choice; undefined: what goes with the type of the key. */
const hashOf = (algorithm: string | undefined): string | undefined =>
  new Map([
    ['ssh-rsa', 'sha1'],
    ['rsa-sha2-256', 'sha256'],
    ['rsa-sha2-512', 'sha512'],
  ]).get(algorithm ?? '');

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
