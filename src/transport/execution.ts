/** Runs one script over whatever carries its three streams: an SSH channel or a child process. */
import type { Readable, Writable } from 'node:stream';
import type { HostDeclared, ProviderFailure } from '../model/index.ts';
import type { ExecuteOptions, Execution } from './channel.ts';
import { connectionLost, interrupted, scriptNotStarted, timedOut } from './failures.ts';
import { BoundedText, encodeProgram, encodeScript, MarkerFilter } from './loader.ts';

/** A loader that waits for its line, or a plain `sh` that waits for its program. */
export interface Program {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when it has ended and its outputs are read. `lost`: the connection ended first. Never rejects. */
  readonly ended: Promise<{
    readonly code: number | undefined;
    readonly signal: string | undefined;
    readonly lost?: { readonly cause: unknown };
  }>;
  /** Gives it up, as firmly as can be. */
  kill(): void;
}

export interface ScriptRun {
  readonly host: HostDeclared;
  readonly text: string;
  readonly values: Readonly<Record<string, string>>;
  readonly options: ExecuteOptions;
  /** Whether sudo stands between us and sh: it may refuse. */
  readonly throughSudo: boolean;
  /** A plain `sh` waits for it, and there is no input. */
  readonly isProgram?: boolean;
  readonly bytes?: AsyncIterable<Uint8Array>;
  readonly onSent?: (bytes: number) => void;
}

const outputLimit = 1024 * 1024;

/** Sends the script and what follows it, collects its outputs, and holds it to its time. */
export async function runScript(program: Program, run: ScriptRun): Promise<Execution> {
  const { host, options } = run;
  const encode = run.isProgram === true ? encodeProgram : encodeScript;
  const { sent: script, marker } = encode(run.text, run.values);
  const limit = options.maxOutputBytes ?? outputLimit;
  const stdout = collect(program.stdout, marker, limit, (text) => options.onOutput?.('stdout', text));
  const stderr = collect(program.stderr, marker, limit, (text) => options.onOutput?.('stderr', text));

  let givenUp: ProviderFailure | undefined;
  const giveUp = (why: ProviderFailure): void => {
    givenUp ??= why;
    program.kill();
  };
  const timer = setTimeout(() => giveUp(timedOut(host, options.timeoutMs)), options.timeoutMs);
  const aborted = (): void => giveUp(interrupted(host, 'maybe', 'A command'));
  options.signal?.addEventListener('abort', aborted, { once: true });
  // A program that ended takes no more input: what matters then is its exit code, not the broken pipe.
  program.stdin.on('error', () => {});

  let sourceFailure: unknown;
  try {
    if (options.signal?.aborted === true) {
      // It waits for its script, and would for ever.
      program.kill();
      throw interrupted(host, 'none', 'A command');
    }
    const sent = send(program, script, run).catch((error: unknown) => {
      sourceFailure = error;
      program.kill();
    });
    const end = await program.ended;
    // `bytes` may wait for a disk: a program that ended does not wait for them.
    void sent;
    if (givenUp !== undefined) throw givenUp;
    if (sourceFailure !== undefined) throw sourceFailure;
    if (end.lost !== undefined) throw connectionLost(host, end.lost.cause);
    if (!stdout.filter.seen) {
      const said = [stderr.filter.noise, stdout.filter.noise].join('\n');
      throw scriptNotStarted(host, run.throughSudo, end.code, said);
    }
    return { code: end.code, signal: end.signal, stdout: stdout.kept.text, stderr: stderr.kept.text };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', aborted);
  }
}

/** Writes the script, the input and the bytes, waiting where the other side is slow, and stops when it has ended. */
async function send(program: Program, script: string, run: ScriptRun): Promise<void> {
  const over = program.ended.then(() => false as const);
  const write = (chunk: string | Uint8Array): Promise<boolean> | true =>
    program.stdin.write(chunk)
      ? true
      : Promise.race([
          new Promise<true>((resolve) => program.stdin.once('drain', () => resolve(true))),
          over,
        ]);
  if ((await write(script)) === false) return;
  const { input } = run.options;
  if (input !== undefined && input.length > 0 && (await write(input)) === false) return;
  if (run.bytes !== undefined) {
    for await (const chunk of run.bytes) {
      if ((await write(chunk)) === false) return;
      run.onSent?.(chunk.length);
    }
  }
  program.stdin.end();
}

interface Collected {
  readonly filter: MarkerFilter;
  readonly kept: BoundedText;
}

function collect(stream: Readable, marker: string, limit: number, tell: (text: string) => void): Collected {
  const filter = new MarkerFilter(marker);
  const kept = new BoundedText(limit);
  stream.on('data', (chunk: Buffer) => {
    const own = filter.push(chunk);
    if (own.length === 0) return;
    const text = kept.push(own);
    if (text !== '') tell(text);
  });
  stream.on('error', () => {});
  return { filter, kept };
}
