/** What a host is dialled with: the user's key or agent, and what the known_hosts files say. Each read once. */
import { readFile } from 'node:fs/promises';
import type { AgentAuthMethod, ParsedKey, PublicKeyAuthMethod } from 'ssh2';
import type { HostDeclared } from '../model/index.ts';
import { systemReason, visible } from '../model/index.ts';
import { hostFailure, type SshConnection } from './failures.ts';
import { KnownHosts, type KnownHostsFile } from './known-hosts.ts';
import { signWithoutReading } from './ssh2-economy.ts';

type KeyReading =
  | { readonly key: ParsedKey }
  | { readonly code: string; readonly summary: string; readonly detail: string; readonly hint: string };

/** How somebody logs in: with whatever keys an agent holds, or with this one. */
export type Login = AgentAuthMethod | (PublicKeyAuthMethod & { readonly key: ParsedKey });

/** Gets the passphrase of a key from a person, tried by `isRight`; undefined: nobody gave it. */
export type AskPassphrase = (
  path: string,
  isRight: (passphrase: string) => boolean,
) => Promise<string | undefined>;

const importSsh2 = async () => (await import('ssh2')).default;
let ssh2: ReturnType<typeof importSsh2> | undefined;

/** Only where a host is dialled: it takes a third of a short start. */
export function loadSsh2(): ReturnType<typeof importSsh2> {
  ssh2 ??= importSsh2();
  return ssh2;
}

export class SshCredentials {
  readonly #keys = new Map<string, Promise<KeyReading>>();
  readonly #knownHosts = new Map<string, Promise<KnownHosts>>();
  readonly #agentSocket: string | undefined;
  readonly #ask: AskPassphrase | undefined;

  constructor(agentSocket: string | undefined, ask: AskPassphrase | undefined) {
    this.#agentSocket = agentSocket;
    this.#ask = ask;
  }

  /** The one way to log in: with the declared key and no other, or with whatever keys the agent holds. */
  async authentication(host: HostDeclared, ssh: SshConnection): Promise<Login> {
    const username = ssh.user;
    if (ssh.identityFile === undefined) {
      if (this.#agentSocket === undefined || this.#agentSocket === '') {
        throw hostFailure(host, 'none', {
          code: 'ssh-agent-missing',
          summary: 'No key to log in with',
          detail: `The ssh block of ${host.name} names no identity_file, and no ssh-agent runs here (SSH_AUTH_SOCK is not set).`,
          hint: 'Set identity_file, or start an agent: eval "$(ssh-agent)" && ssh-add',
        });
      }
      return { type: 'agent', username, agent: this.#agentSocket };
    }
    const path = ssh.identityFile;
    const reading = await remember(this.#keys, path, () => readKey(path, this.#ask));
    if (!('key' in reading)) throw hostFailure(host, 'none', reading);
    return { type: 'publickey', username, key: reading.key };
  }

  /** The index over the declared known_hosts files; a file that is not there knows nobody. */
  knownHosts(host: HostDeclared, ssh: SshConnection): Promise<KnownHosts> {
    return remember(this.#knownHosts, ssh.knownHosts.join('\0'), async () => {
      const files: KnownHostsFile[] = [];
      for (const path of ssh.knownHosts) {
        try {
          files.push({ path, text: await readFile(path, 'utf8') });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
          throw hostFailure(host, 'none', {
            code: 'known-hosts-unreadable',
            summary: 'File of known hosts cannot be read',
            detail: `${path}: ${messageOf(error)}.`,
          });
        }
      }
      return new KnownHosts(files);
    });
  }
}

async function readKey(path: string, ask: AskPassphrase | undefined): Promise<KeyReading> {
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (error) {
    return {
      code: 'ssh-key-unreadable',
      summary: 'Key to log in with cannot be read',
      detail: `${path}: ${messageOf(error)}.`,
      hint: 'Correct identity_file in the ssh block, or leave it out to use the running agent.',
    };
  }
  const { utils } = await loadSsh2();
  const parsed: ParsedKey | ParsedKey[] | Error = utils.parseKey(text);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error || key === undefined) {
    const message = key?.message ?? 'it holds no key';
    if (/encrypted|passphrase/i.test(message)) {
      const unlocked = ask === undefined ? undefined : await unlock(path, text, ask);
      if (unlocked !== undefined) return { key: signWithoutReading(unlocked) };
      return {
        code: 'ssh-key-encrypted',
        summary: 'Key to log in with is protected by a passphrase',
        detail: `${path} cannot be used without its passphrase, and ${ask === undefined ? 'there is nobody here to ask for it' : 'it was not given'}.`,
        hint: `Run deployctl on a terminal, where it asks, or give the key to an agent and leave identity_file out: ssh-add ${path}`,
      };
    }
    // ssh2's words: "Unsupported OpenSSH private key type: sk-ssh-ed25519@openssh.com".
    const token = /key type: (sk-\S+)/.exec(message)?.[1];
    if (token !== undefined) {
      return {
        code: 'ssh-key-on-token',
        summary: 'Key to log in with lies on a FIDO token',
        detail: `${path} is a key of type ${visible(token)}: only the token can sign with it, and transport = "ssh2" does not speak with tokens.`,
        hint: 'Set transport = "openssh" in the ssh block: the ssh program does.',
      };
    }
    return {
      code: 'ssh-key-invalid',
      summary: 'Key to log in with is not a private key',
      detail: `${path} cannot be read as a private key: ${visible(message)}.`,
      hint: 'identity_file names the private key, not the .pub file beside it.',
    };
  }
  if (!key.isPrivateKey()) {
    return {
      code: 'ssh-key-invalid',
      summary: 'Key to log in with is not a private key',
      detail: `${path} holds a public key.`,
      hint: 'identity_file names the private key, not the .pub file beside it.',
    };
  }
  return { key: signWithoutReading(key) };
}

/** Asks for a key's passphrase before something else takes the terminal. What is wrong with the key is told when it is used. */
export async function unlockKey(path: string, ask: AskPassphrase): Promise<void> {
  await readKey(path, ask);
}

async function unlock(path: string, text: Buffer, ask: AskPassphrase): Promise<ParsedKey | undefined> {
  const { utils } = await loadSsh2();
  let key: ParsedKey | undefined;
  const isRight = (passphrase: string): boolean => {
    const parsed: ParsedKey | ParsedKey[] | Error = utils.parseKey(text, passphrase);
    const first = Array.isArray(parsed) ? parsed[0] : parsed;
    if (first === undefined || first instanceof Error) return false;
    key = first;
    return true;
  };
  const passphrase = await ask(path, isRight);
  // It may have been asked for before, and only be known here.
  if (passphrase !== undefined && key === undefined) isRight(passphrase);
  return key;
}

/** A failed reading is not remembered: the file may be there the next time. */
function remember<T>(cache: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  const reading = read();
  cache.set(key, reading);
  reading.catch(() => cache.delete(key));
  return reading;
}

const messageOf = (error: unknown): string => visible(systemReason(error));
