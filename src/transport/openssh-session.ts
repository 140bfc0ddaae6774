/** One command over the ssh program: when it begins and how it ends, which ssh itself does not tell. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { Program } from './execution.ts';
import type { SshConnection } from './failures.ts';
import { announcedLoaderCommand } from './loader.ts';
import { sessionArguments } from './openssh-command.ts';

const saidLimit = 16_384;
/** A session may take so long to open even for a command that may not: a new ssh has to be started for it. */
const openingMs = 5_000;

type Started =
  | { readonly program: Program }
  | { readonly code: number | undefined; readonly said: string; readonly isLate: boolean };

/** Resolves when the host's shell has said that it is there: nothing of a script is sent before. */
export function startSession(
  ssh: SshConnection,
  socket: string,
  throughSudo: boolean,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<Started> {
  const token = `deployctl-${randomBytes(9).toString('hex')}`;
  const command = announcedLoaderCommand(token, throughSudo);
  const child = spawn('ssh', sessionArguments(ssh, socket, command), {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stderr = new PassThrough();
  const announced = new Announced(token);
  let said = '';
  const kill = (): void => {
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
    child.kill('SIGKILL');
  };
  return new Promise((resolve) => {
    let isLate = false;
    const giveUp = (): void => {
      isLate = true;
      kill();
    };
    const timer = setTimeout(giveUp, Math.max(options.timeoutMs, openingMs));
    options.signal?.addEventListener('abort', kill, { once: true });
    const ended = new Promise<Awaited<Program['ended']>>((settle) => {
      const over = (code: number | undefined, cause?: unknown): void => {
        stderr.end(announced.rest());
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', kill);
        if (announced.status === undefined) settle({ code: undefined, signal: undefined, lost: { cause } });
        else settle({ code: announced.status.code, signal: announced.status.signal });
        resolve({ code, said, isLate });
      };
      child.once('error', (cause) => over(undefined, cause));
      child.once('close', (code) => over(code ?? undefined));
    });
    child.stdin.on('error', () => {});
    // Until the shell is there, whatever is printed is the words of something else. The stream goes on flowing: whoever
    // gets the program listens before the next chunk can come.
    const overhear = (chunk: Buffer): void => {
      if (!announced.isThere) said = (said + chunk.toString('utf8')).slice(-saidLimit);
    };
    child.stdout.on('data', overhear);
    child.stderr.on('data', (chunk: Buffer) => {
      const own = announced.push(chunk);
      if (announced.isThere) {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', kill);
        resolve({ program: { stdin: child.stdin, stdout: child.stdout, stderr, ended, kill } });
      } else overhear(chunk);
      if (own.length > 0 && !stderr.write(own)) {
        child.stderr.pause();
        stderr.once('drain', () => child.stderr.resume());
      }
    });
  });
}

/** Takes the announcements of the loader out of its standard error. */
class Announced {
  readonly #token: Buffer;
  #held: Buffer = Buffer.alloc(0);
  isThere = false;
  status: { readonly code: number | undefined; readonly signal: string | undefined } | undefined;

  constructor(token: string) {
    this.#token = Buffer.from(token);
  }

  /** What of this chunk is the script's own. */
  push(chunk: Buffer): Buffer {
    let text = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    const own: Buffer[] = [];
    for (;;) {
      const at = text.indexOf(this.#token);
      const end = at < 0 ? -1 : text.indexOf(0x0a, at);
      if (end < 0) break;
      own.push(text.subarray(0, at));
      this.#announce(text.toString('latin1', at + this.#token.length, end));
      text = text.subarray(end + 1);
    }
    const from = this.#mayBegin(text);
    this.#held = text.subarray(from);
    own.push(text.subarray(0, from));
    return Buffer.concat(own);
  }

  /** What was held back and is the script's own after all. */
  rest(): Buffer {
    return this.#held;
  }

  #announce(words: string): void {
    if (words === '+') this.isThere = true;
    else this.status = statusOf(Number(words));
  }

  /** Where in the text an announcement begins that is not complete; its length if there is none. */
  #mayBegin(text: Buffer): number {
    const at = text.indexOf(this.#token);
    if (at >= 0) return at;
    for (let length = Math.min(this.#token.length - 1, text.length); length > 0; length -= 1) {
      if (text.subarray(text.length - length).equals(this.#token.subarray(0, length)))
        return text.length - length;
    }
    return text.length;
  }
}

const signalNames: Readonly<Record<number, string>> = {
  1: 'HUP',
  2: 'INT',
  3: 'QUIT',
  6: 'ABRT',
  9: 'KILL',
  11: 'SEGV',
  13: 'PIPE',
  15: 'TERM',
};

/** A shell tells a signal as 128 and its number; an exit with that code means the same wherever it is used. */
function statusOf(code: number) {
  const signal = signalNames[code - 128];
  return signal === undefined ? { code, signal: undefined } : { code: undefined, signal };
}
