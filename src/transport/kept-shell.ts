/**
 * A shell on a host that waits for the next of several short scripts. A session costs the host a process of its SSH server,
 * a login shell and a sh, some 5 ms of a processor that has other things to do; one more script in a shell that waits for
 * it costs two forks.
 *
 * Each script is run in a subshell without input, so that none finds what another has set. It is one line: a word that
 * nothing prints by chance, which is printed on both outputs when it has ended, and the script as the loader has it.
 */
import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { Program } from './execution.ts';

/** What the loader of a session is given: it goes on reading where the loader has stopped. */
const loop =
  'while IFS=" " read -r deployctl_end s; do (eval "$(printf %b "$s")") </dev/null; echo "$deployctl_end $?"; echo "$deployctl_end " >&2; done\n';

type End = Awaited<Program['ended']>;

/** The bytes of one output up to the word at which the script has ended; then `code` is what followed it. */
class OutputUntil extends Readable {
  readonly #word: Buffer;
  readonly #told: (code: number) => void;
  #held: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(word: string, told: (code: number) => void) {
    super();
    this.#word = Buffer.from(`${word} `);
    this.#told = told;
  }

  override _read(): void {
    // It is pushed as it comes.
  }

  hear(chunk: Buffer): void {
    if (this.#isOver) return;
    const joined = Buffer.concat([this.#held, chunk]);
    const at = joined.indexOf(this.#word);
    if (at < 0) {
      const sure = this.#beginningIn(joined);
      this.#pass(joined.subarray(0, sure));
      this.#held = joined.subarray(sure);
      return;
    }
    this.#pass(joined.subarray(0, at));
    this.#held = joined.subarray(at);
    const end = joined.indexOf('\n', at);
    if (end < 0) return;
    this.#told(Number(joined.toString('latin1', at + this.#word.length, end)));
    this.#held = Buffer.alloc(0);
    this.finish();
  }

  /** Nothing more comes. */
  finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pass(this.#held);
    this.push(null);
  }

  /** Where the last bytes may be the first ones of the word. */
  #beginningIn(bytes: Buffer): number {
    let at = Math.max(0, bytes.length - this.#word.length + 1);
    while (!this.#word.subarray(0, bytes.length - at).equals(bytes.subarray(at))) at += 1;
    return at;
  }

  #pass(bytes: Buffer): void {
    if (bytes.length > 0) this.push(bytes);
  }
}

interface Running {
  readonly outputs: readonly [OutputUntil, OutputUntil];
}

export class KeptShell {
  readonly #program: Program;
  readonly #givenUp: () => void;
  #running: Running | undefined;
  #isOver = false;
  #sentAt = 0;
  #answeredMs = Number.POSITIVE_INFINITY;

  /** `program`: a loader that waits for its line. `givenUp` is called when it is no longer waited for, however long it goes on. */
  constructor(program: Program, givenUp: () => void) {
    this.#program = program;
    this.#givenUp = givenUp;
    program.stdin.on('error', () => {});
    program.stdout.on('error', () => {});
    program.stderr.on('error', () => {});
    program.stdout.on('data', (chunk: Buffer) => {
      this.#answeredMs = Math.min(this.#answeredMs, performance.now() - this.#sentAt);
      this.#running?.outputs[0].hear(chunk);
    });
    program.stderr.on('data', (chunk: Buffer) => this.#running?.outputs[1].hear(chunk));
    void program.ended.then(() => {
      this.#isOver = true;
    });
    program.stdin.write(loop);
  }

  /** It can take no other script. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The shortest time in ms from a script to what it printed first: a way there and back, and a little more. */
  get answeredMs(): number {
    return this.#answeredMs;
  }

  /** Ends when the script that it runs has ended. */
  end(): void {
    this.#isOver = true;
    this.#program.stdin.end();
  }

  /**
   * A loader for one script, once the one before has ended. Where the shell ends under it, that is how the program ends.
   */
  next(): Program {
    const word = `deployctl-${randomBytes(9).toString('hex')}`;
    let code: number | undefined;
    const stdout = new OutputUntil(word, (told) => {
      code = told;
    });
    const stderr = new OutputUntil(word, () => {});
    const running: Running = { outputs: [stdout, stderr] };
    this.#running = running;
    const read = Promise.all(
      running.outputs.map((output) => new Promise<void>((resolve) => output.once('close', resolve))),
    );
    void this.#program.ended.then(() => {
      for (const output of running.outputs) output.finish();
    });
    const ended = read.then(async (): Promise<End> => {
      if (this.#running === running) this.#running = undefined;
      if (code !== undefined) return { code, signal: undefined };
      this.#isOver = true;
      const end = await this.#program.ended;
      // A shell that ended well has not said how the script did.
      return end.code === 0 ? { ...end, code: undefined } : end;
    });
    let isBegun = false;
    const stdin = new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        const text = isBegun ? chunk : `${word} ${chunk}`;
        isBegun = true;
        this.#sentAt = performance.now();
        this.#program.stdin.write(text, () => done());
      },
    });
    return {
      stdin,
      stdout,
      stderr,
      ended,
      kill: () => {
        this.#isOver = true;
        this.#program.kill();
        this.#givenUp();
        for (const output of running.outputs) output.finish();
      },
    };
  }
}
