import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { Call } from '../app/call.ts';

/** Where a command reads and writes, and what it may do there. */
export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How the command was called: what it prints can be pasted by it. */
  readonly call: Call;
  /** Whether standard output, or standard error, is to be coloured. */
  readonly color: { readonly stdout: boolean; readonly stderr: boolean };
  /** A person can be asked: standard input and output are a terminal, and `--no-input` was not given. */
  readonly interactive: boolean;
  /** Standard output is a terminal: a view may redraw it. */
  readonly redraws: boolean;
  /** Columns to lay text out for: the terminal's, 100 into a pipe. */
  readonly columns: number;
  /** As it is at this moment: somebody may pull at its corner. */
  readonly size: () => { readonly columns: number; readonly rows: number };
}

/** This process's own terminal; `argv` for `--no-color` and `--no-input`, which hold before flags are parsed. */
export function processTerminal(argv: readonly string[], call: Call): Terminal {
  const end = argv.indexOf('--');
  const flags = new Set(end === -1 ? argv : argv.slice(0, end));
  const { stdout, stderr, env } = process;
  const colors = (isTerminal: boolean): boolean => !flags.has('--no-color') && wantsColor(env, isTerminal);
  return {
    // Opened only where something is read: Node takes as long for it as for a small plan.
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    environment: env,
    call,
    color: { stdout: colors(stdout.isTTY === true), stderr: colors(stderr.isTTY === true) },
    interactive: stdout.isTTY === true && isatty(0) && !flags.has('--no-input'),
    redraws: stdout.isTTY === true && env.TERM !== 'dumb',
    columns: stdout.isTTY === true ? stdout.columns : 100,
    size: () => (stdout.isTTY === true ? stdout : { columns: 100, rows: 24 }),
  };
}

/** `NO_COLOR` (no-color.org: set and not empty) wins over `FORCE_COLOR`; else a terminal that is not dumb. */
export function wantsColor(
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if ((environment.NO_COLOR ?? '') !== '') return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTerminal && environment.TERM !== 'dumb';
}

/**
 * Lets the program go on when its output goes nowhere: a run in progress must end by its own rules, not because a pager was
 * closed (`deployctl plan | head`) or the disk is full that its log is written to. The latter is told once, and is no success.
 */
export function outliveReaders(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): void {
  let isTold = false;
  // oclif's Command, once it is loaded, throws what is not EPIPE: that would end a run where it stands.
  for (const stream of [stdout, stderr]) stream.removeAllListeners('error');
  stderr.on('error', () => {});
  stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || code === 'EIO' || isTold) return;
    isTold = true;
    stderr.write(`deployctl: standard output cannot be written, and the rest of it is lost: ${message}\n`);
    process.once('exit', () => {
      if (process.exitCode === undefined || process.exitCode === 0) process.exitCode = 1;
    });
  });
}
