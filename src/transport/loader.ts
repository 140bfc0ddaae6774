/**
 * How a script reaches a host without a single value in an argument list, whatever the login shell is.
 *
 * The command that sshd hands to the login shell is fixed and made of characters that sh, bash, fish and csh read the
 * same way: single quotes without `!`, backslash or newline in them. It starts sh, which reads ONE line from standard
 * input, undoes its escapes and runs it. POSIX forbids `read` to take more than its line from a pipe, so what follows
 * the line is the script's own standard input: uploads and relays need nothing else (`head -c` of busybox and a
 * plain `sh` of dash both read ahead). A line that a lost connection cut short has no end: `read` fails, and no part of it runs.
 *
 * A script that has no input and needs no sudo is a program for a plain `sh`: that reads it in blocks, where `read` asks
 * for each byte (3,000 bytes and the fork that undoes the escapes: 1 ms of the host's 5 for the whole look at it). It is
 * one compound command, so that of a part of it nothing runs either: to sh that is a syntax error.
 *
 * The script's first act is to print a marker on both of its outputs. Everything before it was printed by somebody's
 * start files and is dropped; if it never comes, the script did not run at all.
 */
import { randomBytes } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { assignments } from './quote.ts';

const program = `LC_ALL=C; export LC_ALL; IFS= read -r s && eval "$(printf %b "$s")"`;

/** What the login shell is given. LC_ALL=C so that messages of tools can be told apart in any country. */
export const loaderCommand = `exec sh -c '${program}'`;

/** For a script that is sent by {@link encodeProgram}. */
export const programCommand = 'exec sh';

/** The same as the loader with the rights of root; `-n`: sudo must not ask, there is nobody to answer. */
export const privilegedLoaderCommand = `exec sudo -n -- sh -c '${program}'`;

/**
 * What sudoers must say for it: this user, this one command with just these arguments, no password. The command takes
 * its program from its input, so it is worth the rights of root; what it keeps out is everything else.
 */
export const sudoersLine = (user: string, shell: string): string =>
  `${user} ALL=(root) NOPASSWD: ${shell} -c ${program.replaceAll(/[\\,:=]/g, String.raw`\$&`)}`;

/** The same as an argument list, where no login shell is in between. */
export const loaderArguments: readonly string[] = ['-c', program];

/**
 * The loader for a carrier that tells neither when it begins nor how it ended (the ssh program gives 255 for a lost
 * connection and for an exit with 255 alike): `token` and `+` on standard error before it starts, `token`, a space and
 * the exit code after it.
 */
export function announcedLoaderCommand(token: string, throughSudo: boolean): string {
  const shell = throughSudo ? 'sudo -n -- sh' : 'sh';
  return `exec sh -c 'echo "$1+" >&2; ${shell} -c "$0"; e=$?; echo "$1 $e" >&2; exit $e' '${program}' ${token}`;
}

export interface EncodedScript {
  /** What to send first: for the loader one line of printable ASCII with its newline. */
  readonly sent: string;
  /** What the script prints first, on both outputs, with a newline after it. */
  readonly marker: string;
}

/** The script as the loader reads it. `values` become shell variables before its first line. */
export function encodeScript(text: string, values: Readonly<Record<string, string>>): EncodedScript {
  const { head, marker } = opening(text, values);
  return { sent: `${escapeForPrintf(head)}${escapedOnce(text)}\n`, marker };
}

/** The script as a plain `sh` reads it from its standard input, which is nobody else's. */
export function encodeProgram(text: string, values: Readonly<Record<string, string>>): EncodedScript {
  const { head, marker } = opening(text, values);
  return { sent: `{ LC_ALL=C; export LC_ALL\n${head}${text}\nexit\n}\n`, marker };
}

function opening(text: string, values: Readonly<Record<string, string>>): { head: string; marker: string } {
  const marker = `deployctl-${randomBytes(9).toString('hex')}`;
  const head = `${assignments(values)}echo ${marker}; echo ${marker} >&2\n`;
  if (head.includes('\0') || text.includes('\0')) {
    throw new TypeError('a script cannot hold a NUL character');
  }
  return { head, marker };
}

/** The texts are a few constants of ours, and each goes to every host: a thousandth time it is only looked up. */
function escapedOnce(text: string): string {
  const known = escapedTexts.get(text);
  if (known !== undefined) return known;
  const escaped = escapeForPrintf(text);
  if (escapedTexts.size >= mostTexts) escapedTexts.clear();
  escapedTexts.set(text, escaped);
  return escaped;
}

const escapedTexts = new Map<string, string>();
/** A text that is put together for one host must not be kept for ever. */
const mostTexts = 64;

/** `printf %b` undoes it: a backslash is doubled, everything that is not printable ASCII becomes an octal escape. */
function escapeForPrintf(source: string): string {
  const bytes = Buffer.from(source, 'utf8');
  let escaped = '';
  let start = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x20 && byte <= 0x7e && byte !== 0x5c) continue;
    escaped += bytes.toString('latin1', start, i);
    escaped += byte === 0x5c ? '\\\\' : byte === 0x0a ? '\\n' : `\\0${byte.toString(8).padStart(3, '0')}`;
    start = i + 1;
  }
  return escaped + bytes.toString('latin1', start);
}

/** How much a start file may print before we stop looking for the marker. */
const noiseLimit = 256 * 1024;

/** Drops what comes before the marker, then passes bytes through. */
export class MarkerFilter {
  readonly #marker: Buffer;
  #held: Buffer = Buffer.alloc(0);
  seen = false;

  constructor(marker: string) {
    this.#marker = Buffer.from(`${marker}\n`);
  }

  /** The bytes of this chunk that are the script's own. */
  push(chunk: Buffer): Buffer {
    if (this.seen) return chunk;
    const joined = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const at = joined.indexOf(this.#marker);
    if (at < 0) {
      this.#held = joined.subarray(Math.max(0, joined.length - noiseLimit));
      return Buffer.alloc(0);
    }
    this.seen = true;
    this.#held = Buffer.alloc(0);
    return joined.subarray(at + this.#marker.length);
  }

  /** What was dropped or is still held back: the only hint there is when the marker never came. */
  get noise(): string {
    return this.#held.toString('utf8');
  }
}

/** Collects text up to a limit and counts the rest. */
export class BoundedText {
  readonly #limit: number;
  readonly #parts: string[] = [];
  readonly #decoder = new StringDecoder('utf8');
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a chunk; returns it as text (a character that is cut in two comes with the next chunk). */
  push(chunk: Buffer): string {
    const text = this.#decoder.write(chunk);
    const room = this.#limit - this.#bytes;
    this.#bytes += chunk.length;
    if (room > 0) this.#parts.push(text.length > room ? text.slice(0, room) : text);
    return text;
  }

  get text(): string {
    return this.#parts.join('');
  }
}
