/** How much may go on at once. */

export type Release = () => void;

/** A counting limit whose waiters are served in order, and which an abort signal takes out of the queue. */
export class Limit {
  #size: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** How many hold or want a place. */
  get demand(): number {
    return this.#taken + this.#waiting.length;
  }

  get size(): number {
    return this.#size;
  }

  /** Lets more in at once, or fewer: those that are in stay. */
  resize(size: number): void {
    this.#size = size;
    while (this.#taken < this.#size) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#taken += 1;
      next();
    }
  }

  /** Waits for a place. The function that it resolves to gives the place back; calling it again does nothing. */
  async take(signal?: AbortSignal): Promise<Release> {
    signal?.throwIfAborted();
    if (this.#taken < this.#size) this.#taken += 1;
    else await this.#wait(signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken -= 1;
      this.resize(this.#size);
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const served = (): void => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      };
      const aborted = (): void => {
        const at = this.#waiting.indexOf(served);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      this.#waiting.push(served);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}
