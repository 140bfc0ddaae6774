/** What the lab's clients saw: counted by the load generator, shown by `lab status`, judged by the demo. */

export interface TrafficFigures {
  /** ms since the epoch. */
  readonly since: number;
  readonly until: number;
  /** Requests a second that were asked for. */
  readonly rate: number;
  readonly requests: number;
  /** Not answered, answered with another status than 200, or not by the service. */
  readonly failed: number;
  /** The newest failures, at most ten. */
  readonly failures: readonly { readonly at: number; readonly reason: string }[];
  readonly latencyMs: { readonly median: number; readonly p99: number; readonly max: number };
  /** By the version that answered, in the order in which versions were first seen. */
  readonly versions: readonly VersionFigures[];
}

export interface VersionFigures {
  readonly version: string;
  readonly requests: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Counts answers as they come. Latencies go into buckets of 5 %, so that a run of days needs no more memory. */
export class TrafficCount {
  readonly #since: number;
  readonly #rate: number;
  #requests = 0;
  #failed = 0;
  #max = 0;
  readonly #failures: { at: number; reason: string }[] = [];
  readonly #buckets = new Map<number, number>();
  readonly #versions = new Map<string, { requests: number; firstAt: number; lastAt: number }>();

  constructor(rate: number, since: number) {
    this.#rate = rate;
    this.#since = since;
  }

  answered(version: string, at: number, latencyMs: number): void {
    this.#requests += 1;
    this.#max = Math.max(this.#max, latencyMs);
    const bucket = Math.ceil(Math.log(Math.max(latencyMs, 0.1)) / Math.log(1.05));
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    const seen = this.#versions.get(version);
    if (seen === undefined) this.#versions.set(version, { requests: 1, firstAt: at, lastAt: at });
    else {
      seen.requests += 1;
      seen.lastAt = Math.max(seen.lastAt, at);
    }
  }

  failedWith(reason: string, at: number): void {
    this.#requests += 1;
    this.#failed += 1;
    this.#failures.push({ at, reason });
    if (this.#failures.length > 10) this.#failures.shift();
  }

  figures(until: number): TrafficFigures {
    return {
      since: this.#since,
      until,
      rate: this.#rate,
      requests: this.#requests,
      failed: this.#failed,
      failures: [...this.#failures],
      latencyMs: { median: this.#quantile(0.5), p99: this.#quantile(0.99), max: rounded(this.#max) },
      versions: [...this.#versions].map(([version, seen]) => ({ version, ...seen })),
    };
  }

  #quantile(share: number): number {
    let left = share * (this.#requests - this.#failed);
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return rounded(Math.min(1.05 ** bucket, this.#max));
    }
    return 0;
  }
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
