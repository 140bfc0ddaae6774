/**
 * How many connections may be in the making, and how long each may take. Both have to tell a dead host from a live one
 * that is late because we are busy ourselves.
 *
 * Measured with 1,000 hosts on one sshd: a limit of 3 s on the clock called 386 live ones dead, because the answers
 * lay unread in our own queue; and dead ones that keep their place cost every live one behind them.
 */
import { Limit } from './limits.ts';

/** Set-ups at once, over all hosts: over a link of 50 ms, 160 fill one core. */
const setupsAtOnce = 160;
/** Set-ups at once towards one address: OpenSSH drops connections from the eleventh on (MaxStartups 10:30:100). */
const setupsPerAddress = 8;
/** How long a host that says nothing may keep its place in the queue of set-ups. */
const silentPlaceMs = 1_000;
/** However slow all others are, so many budgets are enough for any host. */
const mostBudgets = 4;
/** Where no host at all has got on for so long, those that are still silent are not late through others. */
const progressMs = 2_000;
const tickMs = 25;

/** One set-up while it is waited for. */
export interface Watch {
  /** The host got on: its budget begins anew. */
  heard(): void;
  /** It is no longer waited for. */
  end(): void;
}

interface Waiting {
  /** When it was last heard, by the time for which we were listening, and on the clock. */
  since: number;
  sinceOnClock: number;
  isQuiet: boolean;
  readonly budgetMs: number;
  readonly quiet: () => void;
  readonly late: (silentMs: number) => void;
}

export class Setups {
  readonly everywhere = new Limit(setupsAtOnce);
  readonly #addresses = new Map<string, Limit>();
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;
  /** Time for which we were listening, in ms: while this process gets no CPU it stands still. */
  #listened = 0;
  #lastTick = 0;
  /** When a live host last got on, by the same time. */
  #lastHeard = 0;
  /** The longest that a live host let us wait lately, in ms of that time; undefined: none has answered yet. */
  #slowestMs: number | undefined;

  towards(address: string): Limit {
    let limit = this.#addresses.get(address);
    if (limit === undefined) {
      limit = new Limit(setupsPerAddress);
      this.#addresses.set(address, limit);
    }
    return limit;
  }

  /** This address cut a connection off early: fewer at once from now on. */
  wasRefused(address: string): void {
    const limit = this.towards(address);
    limit.resize(Math.max(1, limit.size >> 1));
  }

  /**
   * Waits for a host. `late` is called when it has said nothing for `budgetMs`, and longer where live hosts take as
   * long; `quiet` once when it has been silent for a second, so that it gives up its place.
   */
  watch(
    budgetMs: number,
    on: { readonly quiet: () => void; readonly late: (silentMs: number) => void },
  ): Watch {
    const waiting: Waiting = {
      since: this.#listened,
      sinceOnClock: performance.now(),
      isQuiet: false,
      budgetMs,
      ...on,
    };
    this.#waiting.add(waiting);
    if (this.#timer === undefined) {
      this.#lastTick = performance.now();
      this.#timer = setInterval(() => this.#tick(), tickMs);
    }
    return {
      heard: () => {
        const took = this.#listened - waiting.since;
        // Forgets slowly: what was slow a hundred answers ago is no reason for patience now.
        this.#slowestMs = Math.max(took, (this.#slowestMs ?? 0) * 0.97);
        this.#lastHeard = this.#listened;
        waiting.since = this.#listened;
        waiting.sinceOnClock = performance.now();
      },
      end: () => {
        this.#waiting.delete(waiting);
        if (this.#waiting.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  #tick(): void {
    const now = performance.now();
    this.#listened += Math.min(now - this.#lastTick, 2 * tickMs);
    this.#lastTick = now;
    for (const waiting of [...this.#waiting]) {
      const silentMs = this.#listened - waiting.since;
      if (silentMs > silentPlaceMs && !waiting.isQuiet) {
        waiting.isQuiet = true;
        waiting.quiet();
      }
      // What came while we were too busy to read it would have been read by now: the time of the clock counts.
      if (this.#isOver) {
        if (now - waiting.sinceOnClock > waiting.budgetMs) waiting.late(now - waiting.sinceOnClock);
      } else if (silentMs > this.#patienceMs(waiting.budgetMs)) waiting.late(silentMs);
    }
  }

  /** Whether no live host has got on for a while, though we listened. */
  get #isOver(): boolean {
    return this.#slowestMs !== undefined && this.#listened - this.#lastHeard > progressMs;
  }

  /**
   * Twice what live hosts need, for as long as any of them gets on; twice the budget while several are asked and none has
   * answered at all.
   */
  #patienceMs(budgetMs: number): number {
    const others = this.#slowestMs ?? (this.#waiting.size > 1 ? budgetMs : 0);
    return Math.min(Math.max(budgetMs, 2 * others), mostBudgets * budgetMs);
  }
}
