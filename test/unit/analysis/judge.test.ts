/** Verdicts over simulated canaries: time, traffic and the balancer's averages as the real ones behave. */
import { describe, expect, test } from 'vitest';
import { type Asked, judgeBy, type Sources } from '../../../src/analysis/judge.ts';
import type { Answer } from '../../../src/analysis/number-verdict.ts';
import {
  type AnalysisDeclared,
  asAddress,
  asInstant,
  type Context,
  type Judged,
  type JudgedSide,
  type SideCounters,
  type Verdict,
} from '../../../src/model/index.ts';
import { Random } from '../../rig/random.ts';

const origin = {
  file: 'a.hcl',
  start: { line: 1, column: 1, byte: 0 },
  end: { line: 1, column: 1, byte: 0 },
};
const common = {
  name: 'load_balancer',
  intervalMs: 10_000,
  failures: 1,
  dryRun: false,
  deadlineMs: 60_000,
  inconclusive: 'pause',
  confidence: 0.95,
  origin,
} as const;
const counters = {
  ...common,
  kind: 'load_balancer',
  maxErrorRate: 0.01,
  maxLatencyRatio: 1.2,
  minRequests: 100,
} as const satisfies AnalysisDeclared;

const canarySide: JudgedSide = { pool: 'shop_green', members: ['web-1'] };
const judgedOf = (sharePercent: number, ...analysis: readonly AnalysisDeclared[]): Judged => ({
  service: asAddress('service.shop'),
  analysis,
  balancer: asAddress('load_balancer.edge'),
  stable: { pool: 'shop_blue', members: ['web-1'] },
  canary: canarySide,
  sharePercent,
});

const cx = { signal: new AbortController().signal } as Context;

interface Behaviour {
  readonly errorRate: number;
  /** Median of a log-normal distribution whose spread is that of a usual web service. */
  readonly medianMs: number;
}

/** One side as HAProxy counts it: sums, and a sliding average of whole ms over 512 requests. */
class SimulatedSide {
  requests = 0;
  failed = 0;
  #sum = 0;
  readonly #behaviour: Behaviour;
  readonly #random: Random;

  constructor(behaviour: Behaviour, random: Random) {
    this.#behaviour = behaviour;
    this.#random = random;
  }

  serve(requests: number): void {
    for (let each = 0; each < requests; each += 1) {
      this.requests += 1;
      if (this.#random.next() < this.#behaviour.errorRate) this.failed += 1;
      const normal =
        Math.sqrt(-2 * Math.log(1 - this.#random.next())) * Math.cos(2 * Math.PI * this.#random.next());
      const ms = Math.floor(this.#behaviour.medianMs * Math.exp(0.6 * normal));
      const window = Math.min(this.requests, 512);
      this.#sum += this.requests <= 512 ? ms : ms - this.#sum / window;
    }
  }

  counters(): SideCounters {
    const window = Math.max(1, Math.min(this.requests, 512));
    return {
      requests: this.requests,
      failed: this.failed,
      generations: 0,
      latency: [
        { key: 'worker 1', averageMs: Math.ceil(this.#sum / window), requests: this.requests, window: 512 },
      ],
    };
  }
}

interface Scene {
  readonly stable: Behaviour;
  readonly canary: Behaviour;
  readonly seed: number;
  readonly perSecond?: number;
  readonly sharePercent?: number;
  readonly bakeMs?: number;
  readonly analysis?: AnalysisDeclared;
}

/** Runs one gate to its end. Gives the verdict and when it came. */
async function gate(scene: Scene): Promise<{ readonly verdict: Verdict; readonly afterMs: number }> {
  const { perSecond = 400, sharePercent = 25, bakeMs = 60_000, analysis = counters } = scene;
  const random = new Random(scene.seed);
  const sides = {
    stable: new SimulatedSide(scene.stable, random),
    canary: new SimulatedSide(scene.canary, random),
  };
  // Both have served before this gate: what was then does not count.
  sides.stable.serve(3_000);
  const sources: Sources = {
    measure: async (_, side) => (side === canarySide ? sides.canary : sides.stable).counters(),
    ask: async () => ({ kind: 'none', why: 'not asked' }),
  };
  const judging = judgeBy(sources)(judgedOf(sharePercent, analysis), cx);
  const until = asInstant(bakeMs);
  for (let now = 0; ; now += judging.intervalMs) {
    const verdict = await judging.look({ since: asInstant(0), until, now: asInstant(now) });
    const isEnd = now >= bakeMs && !(verdict.verdict === 'inconclusive' && verdict.follows === 'wait');
    if (verdict.verdict === 'fail' || isEnd) return { verdict, afterMs: now };
    const arrived = Math.round((perSecond * judging.intervalMs) / 1000);
    const forCanary = Array.from({ length: arrived }, () => random.next()).filter(
      (x) => x * 100 < sharePercent,
    ).length;
    sides.canary.serve(forCanary);
    sides.stable.serve(arrived - forCanary);
  }
}

const usual: Behaviour = { errorRate: 0.002, medianMs: 12 };

describe('a canary', () => {
  test('that is as good as the other side passes, with the requests that it rests on', async () => {
    const { verdict, afterMs } = await gate({ stable: usual, canary: usual, seed: 1 });
    expect(verdict.verdict).toBe('pass');
    expect(verdict.requests).toBeGreaterThan(5_000);
    expect(afterMs).toBe(60_000);
    expect(verdict.reason).toMatch(/^0\.\d+% of \d,\d{3} requests failed, at most 1% may; answers take/);
  });

  test('that answers a fifth with errors is found within two intervals, in each of 200 runs', async () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const { verdict, afterMs } = await gate({ stable: usual, canary: { ...usual, errorRate: 0.2 }, seed });
      expect({ seed, verdict: verdict.verdict }).toEqual({ seed, verdict: 'fail' });
      expect(afterMs).toBeLessThanOrEqual(20_000);
      expect(verdict.failed).toBeGreaterThan(100);
      expect(verdict.reason).toMatch(/^(1|2)\d% of [\d,]+ requests failed, at most 1% may; of the stable/);
    }
  });

  test('that is slower by half is found within two intervals, in each of 200 runs', async () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const { verdict, afterMs } = await gate({
        stable: usual,
        canary: { ...usual, medianMs: 18 },
        seed,
        perSecond: 1_000,
      });
      expect({ seed, verdict: verdict.verdict }).toEqual({ seed, verdict: 'fail' });
      expect(afterMs).toBeLessThanOrEqual(20_000);
      expect(verdict.reason).toMatch(/^answers take 1\.\d+ times as long as the stable side's/);
    }
  });

  test('that is equal fails in no more of 1,000 runs than the confidence leaves', {
    timeout: 120_000,
  }, async () => {
    const failed = { atTheLimit: 0, withoutMargin: 0 };
    // Nothing but chance can speak against these: no margin, and errors right at what may be.
    const strict = { ...counters, maxLatencyRatio: 1, maxErrorRate: 0.002 };
    for (let seed = 0; seed < 1_000; seed += 1) {
      const short = { bakeMs: 30_000, perSecond: 60 + (seed % 7) * 20, seed: 10_000 + seed };
      const both = { stable: usual, canary: usual };
      const verdicts = await Promise.all([
        gate({ ...short, stable: { ...usual, errorRate: 0.01 }, canary: { ...usual, errorRate: 0.01 } }),
        gate({ ...short, ...both, analysis: { ...strict, deadlineMs: 0 } }),
      ]);
      if (verdicts[0].verdict.verdict === 'fail') failed.atTheLimit += 1;
      if (verdicts[1].verdict.verdict === 'fail') failed.withoutMargin += 1;
    }
    expect(failed.withoutMargin).toBeLessThanOrEqual(50);
    expect(failed.atTheLimit).toBeLessThanOrEqual(20);
  });

  test('is not blamed for what both sides suffer, and does not pass either', async () => {
    const ill: Behaviour = { ...usual, errorRate: 0.2 };
    const { verdict } = await gate({ stable: ill, canary: ill, seed: 3 });
    expect(verdict).toMatchObject({ verdict: 'inconclusive', follows: 'pause' });
    expect(verdict.reason).toContain('it is not the canary alone');
  });

  test('without other side to compare with is judged by its errors alone', async () => {
    const { verdict } = await gate({ stable: usual, canary: usual, seed: 4, sharePercent: 100 });
    expect(verdict.verdict).toBe('pass');
    expect(verdict.reason).not.toContain('stable');
    const bad = await gate({
      stable: usual,
      canary: { ...usual, errorRate: 0.2 },
      seed: 4,
      sharePercent: 100,
    });
    expect(bad.verdict.verdict).toBe('fail');
  });
});

describe('counters of two sides', () => {
  /** A verdict at the end of looks a second apart; `at` says what each side's counters have come to by then. */
  async function judged(
    analysis: AnalysisDeclared,
    looks: number,
    at: (
      second: number,
      isCanary: boolean,
    ) => Pick<SideCounters, 'requests' | 'failed'> & { readonly averageMs: number },
  ): Promise<Verdict | undefined> {
    let second = 0;
    const sources: Sources = {
      measure: async (_, side) => {
        const { averageMs, ...counts } = at(second, side === canarySide);
        // An average over so many that each reading is a sample of its own.
        const requests = second * 10_000;
        return {
          ...counts,
          generations: 0,
          latency: [{ key: 'worker 1', averageMs, requests, window: 512 }],
        };
      },
      ask: async () => ({ kind: 'none', why: 'not asked' }),
    };
    const judging = judgeBy(sources)(judgedOf(50, analysis), cx);
    const until = asInstant(looks * 1000);
    let verdict: Verdict | undefined;
    for (; second <= looks; second += 1) {
      verdict = await judging.look({ since: asInstant(0), until, now: asInstant(second * 1000) });
    }
    return verdict;
  }

  test('of a long bake are judged by their newest latencies: hours of them are not compared with each other', async () => {
    const rare = { ...counters, intervalMs: 10_000_000 };
    const verdict = await judged(rare, 20_000, (second, isCanary) => ({
      requests: second * 1000,
      failed: 0,
      averageMs: isCanary && second < 19_000 ? 60 : 20,
    }));
    expect(verdict).toMatchObject({ verdict: 'pass' });
    expect(verdict?.reason).toContain("answers take 1 times as long as the stable side's 19.5 ms");
  });

  test('a canary beside a side that answers in less than a millisecond is slow when it takes twenty', async () => {
    const verdict = await judged(counters, 30, (second, isCanary) => ({
      requests: second * 1000,
      failed: 0,
      averageMs: isCanary ? 20 : 0,
    }));
    expect(verdict).toMatchObject({ verdict: 'fail' });
    expect(verdict?.reason).toBe(
      "answers take 40 times as long as the stable side's 0.5 ms; at most 1.2 times is allowed",
    );
  });

  test('a failure of a request that came before the gate is one of its requests', async () => {
    const verdict = await judged({ ...counters, minRequests: 1 }, 10, (second, isCanary) => ({
      requests: 0,
      failed: isCanary && second > 0 ? 3 : 0,
      averageMs: 1,
    }));
    expect(verdict).toMatchObject({ verdict: 'fail', requests: 3, failed: 3 });
    expect(verdict?.reason).toBe(
      "100% of 3 requests failed, at most 1% may; of the stable side's 0 it was 0%",
    );
  });

  test('too few to blame the canary say that it may be chance, and not that the other side failed too', async () => {
    const none = { ...counters, maxErrorRate: 0, maxLatencyRatio: undefined };
    const verdict = await judged(none, 10, (second, isCanary) => ({
      requests: second * 20,
      failed: isCanary && second > 0 ? 1 : 0,
      averageMs: 1,
    }));
    expect(verdict).toMatchObject({ verdict: 'inconclusive' });
    expect(verdict?.reason).toBe(
      "0.5% of 200 requests failed, at most 0% may; beside 0% of the stable side's 200 that may still be chance",
    );
  });
});

describe('no data', () => {
  test('is never a pass: it waits until the deadline, and then does as declared', async () => {
    const silent = { stable: usual, canary: usual, seed: 5, perSecond: 0 };
    const paused = await gate(silent);
    expect(paused.verdict).toMatchObject({ verdict: 'inconclusive', follows: 'pause', requests: 0 });
    expect(paused.afterMs).toBe(120_000);
    expect(paused.verdict.reason).toBe('0 of the 100 requests that a verdict needs have come');
    const strict = await gate({ ...silent, analysis: { ...counters, inconclusive: 'fail' } });
    expect(strict.verdict).toMatchObject({ verdict: 'inconclusive', follows: 'fail' });
  });

  test('that comes after the bake is still in time', async () => {
    const rare = await gate({
      stable: usual,
      canary: { ...usual, errorRate: 0 },
      seed: 6,
      perSecond: 4,
      sharePercent: 50,
      bakeMs: 20_000,
      analysis: { ...counters, maxLatencyRatio: undefined },
    });
    expect(rare.verdict.verdict).toBe('pass');
    expect(rare.afterMs).toBeGreaterThan(40_000);
    expect(rare.afterMs).toBeLessThanOrEqual(60_000);
  });

  test('of counters that cannot be read says why', async () => {
    const sources: Sources = {
      measure: async () => ({ why: 'edge does not answer: connect timeout' }),
      ask: async () => ({ kind: 'none', why: '' }),
    };
    const judging = judgeBy(sources)(judgedOf(10, counters), cx);
    const window = { since: asInstant(0), until: asInstant(5_000), now: asInstant(5_000) };
    expect(await judging.look(window)).toMatchObject({
      verdict: 'inconclusive',
      follows: 'wait',
      reason: 'edge does not answer: connect timeout',
    });
  });
});

describe('numbers from outside', () => {
  const query = {
    ...common,
    name: 'prometheus',
    kind: 'prometheus',
    url: 'http://10.0.0.9:9090',
    query: 'up',
    baseline: undefined,
    maxRatio: 1.1,
    max: 0.02,
    min: undefined,
    headers: {},
    timeoutMs: 5_000,
    failures: 2,
  } as const satisfies AnalysisDeclared;

  /** The verdict at the end of each interval. */
  async function verdicts(analysis: Asked, answers: readonly Answer[]): Promise<readonly Verdict[]> {
    const left = [...answers];
    const sources: Sources = {
      measure: async () => ({ why: 'not asked' }),
      ask: async () => left.shift() ?? { kind: 'none', why: 'no more' },
    };
    const judging = judgeBy(sources)(judgedOf(10, analysis), cx);
    const until = asInstant(1_000_000);
    await judging.look({ since: asInstant(0), until, now: asInstant(0) });
    const said: Verdict[] = [];
    for (let at = 1; at <= answers.length; at += 1) {
      said.push(await judging.look({ since: asInstant(0), until, now: asInstant(at * 10_000) }));
    }
    return said;
  }
  const number = (value: number, baseline?: number): Answer => ({
    kind: 'number',
    value,
    ...(baseline === undefined ? {} : { baseline }),
  });

  test('fail after as many in a row as declared; a good one between them starts the count again', async () => {
    const said = await verdicts(
      query,
      [0.01, 0.03, 0.01, 0.03, 0.03].map((value) => number(value)),
    );
    expect(said.map(({ verdict }) => verdict)).toEqual([
      'pass',
      'inconclusive',
      'pass',
      'inconclusive',
      'fail',
    ]);
    expect(said[3]?.reason).toBe('prometheus: 0.03 is above 0.02 (1 of 2 in a row)');
  });

  test('that are missing are no pass and no failure', async () => {
    const [said] = await verdicts(query, [{ kind: 'none', why: 'the query found nothing' }]);
    expect(said).toMatchObject({ verdict: 'inconclusive', follows: 'wait' });
    expect(said?.reason).toBe('prometheus: the query found nothing');
  });

  test('beside a baseline fail by Mann-Whitney, not by one outlier', async () => {
    const beside = { ...query, max: undefined, baseline: 'up{side="stable"}', failures: 1 };
    const even = await verdicts(
      beside,
      [10, 11, 9, 95, 10, 11, 10, 9].map((value, at) => number(value, 10 + (at % 3) - 1)),
    );
    expect(even.at(-1)?.verdict).toBe('pass');
    const worse = await verdicts(
      beside,
      Array.from({ length: 10 }, (_, at) => number(15 + (at % 3), 10 + (at % 3))),
    );
    expect(worse.map(({ verdict }) => verdict)).toContain('fail');
  });

  test('in a dry run are told and decide nothing', async () => {
    const [said] = await verdicts({ ...query, dryRun: true, failures: 1 }, [number(1)]);
    expect(said?.verdict).toBe('pass');
    expect(said?.reason).toBe('');
    expect(said?.dryRun).toEqual({ verdict: 'fail', reason: 'prometheus: 1 is above 0.02' });
    expect(said?.parts[0]).toMatchObject({ verdict: 'fail', dryRun: true });
  });

  test('a command without limits is good or bad by its word', async () => {
    const command = {
      ...common,
      name: 'command',
      kind: 'command',
      argv: ['bin/check'],
      environment: {},
      timeoutMs: 5_000,
      max: undefined,
      min: undefined,
    } as const satisfies AnalysisDeclared;
    const said = await verdicts(command, [
      { kind: 'word', good: true, said: 'exit code 0' },
      { kind: 'word', good: false, said: 'exit code 3' },
    ]);
    expect(said.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['pass', 'command: exit code 0'],
      ['fail', 'command: exit code 3'],
    ]);
  });
});
