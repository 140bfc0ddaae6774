/** Time that passes only when nothing else can happen: hours of waiting take milliseconds, the same each time. */
import type { Clock, Instant } from '../../src/model/index.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #timers: Timer[] = [];

  constructor(startsAt = 1_000_000) {
    this.#now = startsAt;
  }

  now(): Instant {
    return this.#now as Instant;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        fire: () => {
          signal?.removeEventListener('abort', cancel);
          resolve();
        },
      };
      const cancel = (): void => {
        this.#timers = this.#timers.filter((each) => each !== timer);
        resolve();
      };
      signal?.addEventListener('abort', cancel, { once: true });
      this.#timers.push(timer);
    });
  }

  /** Calls something at a time, without anybody waiting for it. */
  at(ms: number, fire: () => void): void {
    this.#timers.push({ at: ms, order: this.#order++, fire });
  }

  /** Forgets every sleeper: the process that slept is dead. */
  forget(): void {
    this.#timers = [];
  }

  /** Goes to the next moment at which somebody wakes up. False: nobody ever will. */
  advance(): boolean {
    const next = this.#timers.reduce<Timer | undefined>(
      (first, each) =>
        first === undefined || each.at < first.at || (each.at === first.at && each.order < first.order)
          ? each
          : first,
      undefined,
    );
    if (next === undefined) return false;
    this.#timers = this.#timers.filter((each) => each !== next);
    this.#now = Math.max(this.#now, next.at);
    next.fire();
    return true;
  }

  /** Lets time pass until the promise is settled or `isOver` says so. Throws when nothing can happen any more. */
  async drive<T>(promise: Promise<T>, isOver: () => boolean = () => false): Promise<T | undefined> {
    let settled: { readonly value: T } | { readonly cause: unknown } | undefined;
    promise.then(
      (value) => {
        settled = { value };
      },
      (cause: unknown) => {
        settled = { cause };
      },
    );
    for (let turn = 0; turn < 1_000_000; turn += 1) {
      // Everything that can go on without time passing has gone on when an immediate is called.
      await new Promise((resolve) => setImmediate(resolve));
      if (settled !== undefined) {
        if ('cause' in settled) throw settled.cause;
        return settled.value;
      }
      if (isOver()) return undefined;
      if (!this.advance()) throw new Error('nothing can happen any more, and it is not over');
    }
    throw new Error('it does not end');
  }
}
