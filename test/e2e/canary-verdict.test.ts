/** A canary that fails a fifth of its requests, behind real HAProxy under load: found by its counters, and taken back. */
import { expect, test } from 'vitest';
import { eventsOf } from '../rig/outcomes.ts';
import { startScene } from '../rig/scene.ts';
import { execProcess, shopService } from '../rig/service-text.ts';

const intervalMs = 2_000;

const service = shopService({
  hosts: ['web-1'],
  process: execProcess('FAULTY_PERCENT = release.version == "2.0.0" ? "20" : "0"'),
  strategy: `strategy "canary" {
    step {
      share = 25
      bake  = "20s"
    }
    analysis "load_balancer" {
      max_error_rate = 0.01
      min_requests   = 50
      interval       = "${intervalMs / 1000}s"
    }
    on_failure = "revert"
  }`,
});

test('20% errors are reverted within two intervals, with the number of requests affected', {
  timeout: 120_000,
}, async () => {
  await using scene = await startScene({ webHosts: 1, service });
  expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  scene.setVersion('2.0.0');
  const ended = new AbortController();
  const load = (async () => {
    // At most 60 s of 100 requests a second.
    for (let tick = 0; tick < 1_200 && !ended.signal.aborted; tick += 1) {
      await Promise.all(
        Array.from({ length: 5 }, () =>
          fetch(`http://127.0.0.1:${scene.port}/`).then((answer) => answer.text()),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const run = await scene.cli('apply', '--auto-approve', '--json');
  ended.abort();
  await load;
  const events = eventsOf(run);
  const failed = events.find(({ type }) => type === 'step_failed');
  expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 3 });
  const since = Date.parse(String(events.find(({ type }) => type === 'verdict')?.at));
  expect(Date.parse(String(failed?.at)) - since).toBeLessThanOrEqual(2 * intervalMs + 1_500);
  const verdict = events.findLast(({ type }) => type === 'verdict');
  expect(verdict).toMatchObject({ verdict: 'fail' });
  expect(Number(verdict?.failed)).toBeGreaterThan(0);
  expect(await scene.servedBy()).toBe('1.0.0');
});
