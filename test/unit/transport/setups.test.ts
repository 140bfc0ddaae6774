import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Setups } from '../../../src/transport/setups.ts';

/** Watches a host that never says a word: how long until it is late, on the clock. */
function silent(setups: Setups, budgetMs: number): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const watch = setups.watch(budgetMs, {
      quiet: () => {},
      late: () => {
        watch.end();
        resolve(performance.now() - begun);
      },
    });
  });
}

test('a silent host costs its budget', async () => {
  const tookMs = await silent(new Setups(), 200);
  expect(tookMs).toBeGreaterThanOrEqual(190);
  expect(tookMs).toBeLessThan(2_000);
});

test('time for which this process was too busy to listen does not count', async () => {
  const late = silent(new Setups(), 200);
  await sleep(50);
  const until = performance.now() + 600;
  while (performance.now() < until) {}
  expect(await late).toBeGreaterThan(700);
});

/** A clock of the test's own: `listen` lets time pass in which the process listens, `miss` time in which it is busy. */
function withClock(
  work: (clock: { listen: (ms: number) => void; miss: (ms: number) => void; now: () => number }) => void,
): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const listen = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 25) {
      now += 25;
      vi.advanceTimersByTime(25);
    }
  };
  const miss = (ms: number): void => {
    now += ms;
  };
  try {
    work({ listen, miss, now: () => now });
  } finally {
    clock.mockRestore();
    vi.useRealTimers();
  }
}

test('where live hosts are slow, the others get twice what those needed', () =>
  withClock(({ listen, now }) => {
    const setups = new Setups();
    const live = setups.watch(10_000, { quiet: () => {}, late: () => {} });
    let lateAt: number | undefined;
    setups.watch(200, {
      quiet: () => {},
      late: () => {
        lateAt ??= now();
      },
    });
    listen(175);
    live.heard();
    listen(150);
    expect(lateAt, 'live hosts need as long').toBeUndefined();
    listen(100);
    expect(lateAt).toBeGreaterThan(350);
    live.end();
  }));

test('once all others are done, the time for which this process was busy counts too', () =>
  withClock(({ listen, miss, now }) => {
    const setups = new Setups();
    const live = setups.watch(10_000, { quiet: () => {}, late: () => {} });
    let lateAt: number | undefined;
    setups.watch(5_000, {
      quiet: () => {},
      late: () => {
        lateAt ??= now();
      },
    });
    // Three seconds in which the loop turns once every 300 ms, as among a hundred handshakes.
    for (let turn = 0; turn < 10; turn += 1) {
      miss(275);
      listen(25);
    }
    live.heard();
    live.end();
    listen(1_900);
    expect(lateAt, 'what a live host sent may still be on its way').toBeUndefined();
    listen(4_000);
    expect(lateAt).toBeGreaterThanOrEqual(5_000);
    expect(lateAt).toBeLessThanOrEqual(5_100);
  }));

test('a host that gets on has its budget anew', async () => {
  const setups = new Setups();
  let isLate = false;
  const watch = setups.watch(300, {
    quiet: () => {},
    late: () => {
      isLate = true;
    },
  });
  for (let phase = 0; phase < 4; phase += 1) {
    await sleep(150);
    watch.heard();
  }
  watch.end();
  expect(isLate).toBe(false);
});

test('a silent host gives up its place after a second', async () => {
  const setups = new Setups();
  const leave = await setups.everywhere.take();
  const before = setups.everywhere.demand;
  await new Promise<void>((resolve) => {
    const watch = setups.watch(5_000, {
      quiet: () => {
        leave();
        watch.end();
        resolve();
      },
      late: () => {},
    });
  });
  expect(setups.everywhere.demand).toBe(before - 1);
});

test('an address that cuts connections off is asked by fewer at once, and by one at least', () => {
  const setups = new Setups();
  for (let time = 0; time < 6; time += 1) setups.wasRefused('10.0.0.5:22');
  expect(setups.towards('10.0.0.5:22').size).toBe(1);
  expect(setups.towards('10.0.0.6:22').size).toBe(8);
});
