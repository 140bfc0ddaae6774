/** Waits that fail: which of them are begun anew, and when it is over. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { bringAbout } from '../../../src/engine/attempt.ts';
import { type Operation, type Provider, ProviderFailure } from '../../../src/model/index.ts';
import { balancer } from '../../rig/plans.ts';
import { VirtualClock } from '../../rig/virtual-clock.ts';

const drain: Operation = { op: 'pool.drain', balancer, pool: 'shop_green', withinMs: 1000 };

/** Fails so often in this way, and then works; gives how often it was asked and how it ended. */
async function waited(code: string, effect: 'none' | 'maybe', fails: number) {
  let asked = 0;
  const provider = {
    perform: async () => {
      asked += 1;
      if (asked <= fails)
        throw new ProviderFailure({ code, severity: 'error', summary: code, detail: code }, effect);
    },
    seen: async () => [],
  } as unknown as Provider;
  const clock = new VirtualClock();
  const ended = bringAbout({
    operation: drain,
    address: balancer,
    provider,
    cx: { clock, signal: new AbortController().signal } as never,
    wasBegun: false,
    intend: async () => {},
    admit: async () => ({ kind: 'admitted', left: () => {} }),
    failpoint: () => {},
  });
  let kind: string | undefined;
  void ended.then((result) => {
    kind = result.kind;
  });
  for (; kind === undefined; clock.advance()) await setImmediate();
  return [asked, kind];
}

test.for([
  ['whose connection broke is done again', 'host-connection-lost', 'maybe', 1, [2, 'done']],
  ['for which no connection came about is done again', 'host-unreachable', 'none', 2, [3, 'done']],
  ['that nobody answers has failed in the end', 'host-timeout', 'none', 9, [3, 'failed']],
  ['that was seen to be in vain is not done again', 'pool-not-up', 'none', 1, [1, 'failed']],
  ['whose host has another key is not done again', 'host-key-changed', 'none', 1, [1, 'failed']],
] as const)('a wait %s', async ([, code, effect, fails, expected]) => {
  expect(await waited(code, effect, fails)).toEqual(expected);
});
