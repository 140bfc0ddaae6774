/** A canary that fails a fifth of its requests, and one that takes half as long again, behind real HAProxy under load. */
import { describe, expect, test } from 'vitest';
import { eventsOf } from '../rig/outcomes.ts';
import { type Scene, startScene } from '../rig/scene.ts';
import { execProcess, shopService } from '../rig/service-text.ts';
import { startShareClient } from '../rig/share-client.ts';

interface Fault {
  readonly says: string;
  readonly share: number;
  readonly rate: number;
  readonly intervalMs: number;
  readonly environment: string;
  readonly limits: string;
  readonly reason: RegExp;
}

const faults: readonly Fault[] = [
  {
    says: '20% errors',
    share: 25,
    rate: 100,
    intervalMs: 2_000,
    environment: 'FAULTY_PERCENT = release.version == "2.0.0" ? "20" : "0"',
    limits: 'max_error_rate = 0.01',
    reason: /of \d+ requests failed, at most 1% may/,
  },
  {
    says: 'answers that take half as long again',
    share: 50,
    rate: 200,
    intervalMs: 4_000,
    environment: 'LATENCY_MS = release.version == "2.0.0" ? "60" : "40"',
    limits: 'max_error_rate = 0.05\n      max_latency_ratio = 1.2',
    reason: /answers take 1\.\d+ times as long/,
  },
];

describe('a canary that is worse', { timeout: 120_000 }, () => {
  test.for(faults)(
    '$says are reverted within two intervals, with the number of requests affected',
    async ({ share, rate, intervalMs, environment, limits, reason }) => {
      const service = shopService({
        hosts: ['web-1'],
        process: execProcess(environment),
        strategy: `strategy "canary" {
    step {
      share = ${share}
      bake  = "40s"
    }
    analysis "load_balancer" {
      ${limits}
      min_requests   = 50
      interval       = "${intervalMs / 1000}s"
    }
    on_failure = "revert"
  }`,
      });
      await using scene: Scene = await startScene({ webHosts: 1, service });
      expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
      scene.setVersion('2.0.0');
      const client = startShareClient(scene.port, rate);
      const run = await scene.cli('apply', '--auto-approve', '--json').finally(() => client.stop());
      const events = eventsOf(run);
      const failed = events.find(({ type }) => type === 'step_failed');
      expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 3 });
      const since = Date.parse(String(events.find(({ type }) => type === 'verdict')?.at));
      expect(Date.parse(String(failed?.at)) - since).toBeLessThanOrEqual(2 * intervalMs + 1_500);
      const verdict = events.findLast(({ type }) => type === 'verdict');
      expect(verdict).toMatchObject({ verdict: 'fail', reason: expect.stringMatching(reason) });
      expect(failed?.failure).toMatchObject({
        code: 'analysis-failed',
        detail: expect.stringContaining(`It got ${String(verdict?.requests)} requests in this step`),
      });
      expect(await scene.servedBy()).toBe('1.0.0');
    },
  );
});
