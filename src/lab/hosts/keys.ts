import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { utils } from 'ssh2';

export interface KeyFiles {
  /** OpenSSH private key. */
  readonly privateKey: string;
  /** As a line of authorized_keys. */
  readonly publicKey: string;
}

/**
 * A new Ed25519 key that can be read back.
 *
 * ssh2 1.17 drops the first byte of the public half where that byte is 0, once in about 256 keys, and
 * then cannot read what it wrote; so a key counts only once it has been read.
 */
export function newKey(comment: string): KeyFiles {
  for (;;) {
    const { private: privateKey, public: publicKey } = utils.generateKeyPairSync('ed25519', { comment });
    if (!(utils.parseKey(privateKey) instanceof Error)) return { privateKey, publicKey };
  }
}

/** The key in `file`, made when there is none: 0600, its public half beside it as `<file>.pub`. */
export async function keyAt(file: string, comment: string): Promise<KeyFiles> {
  if (!existsSync(file)) {
    const { privateKey, publicKey } = newKey(comment);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.pub`, `${publicKey}\n`, { mode: 0o600 });
    await writeFile(file, privateKey, { mode: 0o600 });
  }
  const [privateKey, publicKey] = await Promise.all([
    readFile(file, 'utf8'),
    readFile(`${file}.pub`, 'utf8'),
  ]);
  return { privateKey, publicKey: publicKey.trim().split(' ').slice(0, 2).join(' ') };
}

/** A line of known_hosts. */
export const knownHostsLine = (address: string, port: number, publicKey: string): string =>
  `${port === 22 ? address : `[${address}]:${port}`} ${publicKey}\n`;
