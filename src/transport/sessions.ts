/** How many commands go on at once on one connection: as many as its server lets open, and never more than eight. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Limit, type Release } from './limits.ts';

/** OpenSSH refuses the eleventh session of a connection (MaxSessions 10); two are left for whoever else is there. */
const sessionsPerConnection = 8;
/** How often a command is tried that the server has no session for while none of ours is open. */
const sessionAttempts = 8;
/** Another try even where none of ours was seen to close: somebody else's may have. */
const lookAgainMs = 250;
/** As long as the longest of our own commands may hold a server's only session. */
const longestMs = 10 * 60_000;

export class Sessions {
  readonly #places = new Limit(sessionsPerConnection);
  readonly #turn = new Limit(1);
  readonly #waiting = new Set<() => void>();
  #open = 0;

  /** Whoever wants a place now must wait for it. */
  get isFull(): boolean {
    return this.#places.demand >= this.#places.size;
  }

  /** Waits for a place. The function that it resolves to gives the place back. Throws when the signal is aborted. */
  take(signal: AbortSignal | undefined): Promise<Release> {
    return this.#places.take(signal);
  }

  /**
   * Opens a session with `open` for whoever has a place. Where the server has no session left (`isFull` of what was thrown),
   * fewer go on at once from then on, and it is tried again when one of ours has closed. `closed` of what was opened
   * settles when it no longer counts there.
   */
  async open<T>(
    open: () => Promise<T>,
    closed: (opened: T) => Promise<unknown>,
    isFull: (error: unknown) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const tryOnce = async (): Promise<T> => {
      const opened = await open();
      this.#open += 1;
      void closed(opened).then(() => this.#wake());
      return opened;
    };
    try {
      return await tryOnce();
    } catch (error) {
      if (!isFull(error)) throw error;
    }
    // One after the other, or each session that comes free would be fought over.
    const leave = await this.#turn.take(signal);
    try {
      return await this.#tryAgain(tryOnce, isFull, signal);
    } finally {
      leave();
    }
  }

  async #tryAgain<T>(
    tryOnce: () => Promise<T>,
    isFull: (error: unknown) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const begun = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      if (this.#open > 0 && performance.now() - begun < longestMs) {
        this.#places.resize(Math.min(this.#places.size, this.#open));
        await this.#change();
        attempt = 1;
      } else {
        // Commands that we gave up, or that have just ended, may still count there for a moment.
        await sleep(50 * attempt);
      }
      try {
        return await tryOnce();
      } catch (error) {
        if (!isFull(error) || attempt === sessionAttempts || signal?.aborted === true) throw error;
      }
    }
  }

  #wake(): void {
    this.#open -= 1;
    for (const wake of [...this.#waiting]) wake();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, lookAgainMs);
      this.#waiting.add(wake);
    });
  }
}
