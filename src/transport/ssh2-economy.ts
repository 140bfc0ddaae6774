/**
 * What ssh2 does at a cost that we need not pay, measured on Node 24 with 1,000 hosts. All of it is behind ssh2's
 * public face, so each part looks before it touches and leaves things as they are where they are not as expected;
 * test/contract/host-economy.test.ts notices when an ssh2 of another version makes one of them void.
 */
import { createSecretKey } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';

interface Inside {
  readonly _protocol?: {
    readonly _cipher?: { _encKey?: unknown };
    readonly _decipher?: { _decipherKey?: unknown };
    readonly _handlers?: { GLOBAL_REQUEST?: unknown };
  };
}

type OnGlobalRequest = (protocol: unknown, name: string, wantsReply: boolean, rest: unknown) => void;

/**
 * Call it at each 'handshake'. Gives the names of what took hold.
 *
 * - the keys: AES-GCM makes a cipher for each packet. From a key as bytes that costs 24 us, from a KeyObject 3 us.
 * - `host keys`: OpenSSH offers all its host keys after the login, and ssh2 has it prove each of them: a round trip and
 *   signatures, for a list that we do not use. Our known_hosts are changed by people.
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
  return done;
}

/**
 * Lets what is written in one turn of the event loop go out together. ssh2 writes each packet in three parts (length,
 * content, tag); without Nagle's algorithm, and it has to be off, each would be a segment that wakes the other side.
 */
export function writeTogether(stream: Duplex): void {
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
  let isHeld = false;
  stream.write = (...given: unknown[]): boolean => {
    if (!isHeld) {
      isHeld = true;
      stream.cork();
      process.nextTick(() => {
        isHeld = false;
        stream.uncork();
      });
    }
    return write(...given);
  };
}
