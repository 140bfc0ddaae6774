/** Canary and rolling on real OpenSSH hosts and a real HAProxy, under load: nobody is lost, and shares are what they say. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';
import { isShare, startShareClient } from '../rig/share-client.ts';

interface Line {
  readonly type: string;
  readonly at: string;
  readonly step?: string;
  readonly outcome?: string;
  readonly undoing?: boolean;
  readonly host?: string;
}

const linesOf = (stdout: string): readonly Line[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

const canary = (bake: string): string => `strategy "canary" {
    step {
      share = 1
      bake  = "${bake}"
      audience { header = { "X-Beta" = "1" } }
    }
    step {
      share = 5
      bake  = "${bake}"
    }
    step {
      share = 25
      bake  = "${bake}"
    }
    step {
      share = 50
      bake  = "${bake}"
    }
    on_failure = "revert"
  }`;

const rate = 250;

describe('a canary on HAProxy', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({
      webHosts: 2,
      service: shopService({ hosts: ['web-1', 'web-2'], strategy: canary('3s') }),
    });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  }, 120_000);
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('gives 1, 5, 25 and 50 percent and then all of it, and the audience from the first step on', async () => {
    scene.setVersion('2.0.0');
    const client = startShareClient(scene.port, rate);
    const applied = await scene.cli('apply', '--auto-approve', '--json');
    await client.stop();
    expect(applied.stderr).toBe('');
    expect(applied.code).toBe(0);
    expect(client.failures).toEqual([]);
    const lines = linesOf(applied.stdout);
    const timeOf = (type: string, step: string): number =>
      Date.parse(lines.find((line) => line.type === type && line.step === step)?.at ?? '');
    for (const [number, percent] of [1, 5, 25, 50].entries()) {
      const from = timeOf('step_started', `shop/green/bake-${number + 1}`);
      const to = timeOf('step_done', `shop/green/bake-${number + 1}`);
      const { '1.0.0': stable = 0, '2.0.0': fresh = 0 } = client.between(from, to);
      expect(stable + fresh).toBeGreaterThan(rate);
      expect({ percent, fresh, stable, fits: isShare(fresh, stable + fresh, percent) }).toMatchObject({
        fits: true,
      });
      expect(client.betaBetween(from, to)['1.0.0'] ?? 0).toBe(0);
    }
    expect(await scene.servedBy()).toBe('2.0.0');
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(0);
  }, 120_000);

  test('stopped at 25 percent and aborted, everybody is back at once, and nobody before', async () => {
    scene.setVersion('1.0.0');
    scene.declare({ service: shopService({ hosts: ['web-1', 'web-2'], strategy: canary('2s') }) });
    const client = startShareClient(scene.port, rate);
    const { child, ended } = scene.start({}, 'apply', '--auto-approve', '--json');
    let stdout = '';
    child.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    await until(() =>
      linesOf(stdout).some((line) => line.type === 'step_started' && line.step === 'shop/blue/bake-3'),
    );
    child.kill('SIGINT');
    expect((await ended).code).toBe(4);
    const stoppedAt = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const abortedAt = Date.now();
    const aborted = await scene.cli('abort', '--json');
    const backAt = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await client.stop();
    expect(aborted.code).toBe(3);
    const { '1.0.0': fresh = 0, '2.0.0': stable = 0 } = client.between(stoppedAt, abortedAt);
    expect({ fresh, stable, fits: isShare(fresh, fresh + stable, 25) }).toMatchObject({ fits: true });
    expect(client.between(backAt, Number.POSITIVE_INFINITY)).not.toHaveProperty(['1.0.0']);
    expect(client.failures).toEqual([]);
    // From 25% to none in one move: the shares on the way up are not gone through again.
    const moves = linesOf(aborted.stdout).filter(
      (line) => line.type === 'step_done' && line.undoing === true && line.step?.includes('/share-'),
    );
    expect(moves.map((line) => [line.step, 'unchanged' in line && line.unchanged])).toEqual([
      ['shop/blue/share-3', false],
      ['shop/blue/share-2', true],
      ['shop/blue/share-1', true],
    ]);
  }, 120_000);

  test('killed with -9 at each of its writes about a share, it goes on where it was', async () => {
    const deaths = ['journal:intended:after#12', 'effect:after#10', 'journal:done:before#14'];
    const client = startShareClient(scene.port, 100);
    let code: number | null = null;
    for (const death of deaths) {
      const resumes = code === null ? ['apply', '--auto-approve'] : ['apply', '--resume'];
      const died = await scene.cliWith({ DEPLOYCTL_FAIL: `kill@${death}` }, ...resumes, '--parallelism', '1');
      code = died.code;
      if (died.signal !== 'SIGKILL') break;
      code = -9;
    }
    const resumed = code === 0 ? undefined : await scene.cli('apply', '--resume');
    await client.stop();
    expect(resumed?.code ?? 0).toBe(0);
    expect(client.failures).toEqual([]);
    expect(await scene.servedBy()).toBe('1.0.0');
    expect(readFileSync(scene.haproxy.mapFile, 'utf8')).toContain('shop_blue:shop_blue:0');
  }, 180_000);
});

describe('a rolling upgrade on HAProxy', () => {
  const hosts = ['web-1', 'web-2', 'web-3', 'web-4'];
  const rolling = (more: string): string => `strategy "rolling" {
    batch = 2
    pause = "500ms"
    ${more}
  }`;
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene({
      webHosts: 4,
      service: shopService({ hosts, slots: 1, strategy: rolling('') }),
      more: 'policy "prod" { min_in_service = "50%" }',
    });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
  }, 120_000);
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('loses no request', async () => {
    scene.setVersion('2.0.0');
    const client = startShareClient(scene.port, rate);
    const applied = await scene.cli('apply', '--auto-approve');
    await client.stop();
    expect(applied.code).toBe(0);
    expect(client.failures).toEqual([]);
    expect(client.requests).toBeGreaterThan(rate);
    expect(await scene.servedBy()).toBe('2.0.0');
  }, 120_000);

  test('leaves out a host that never gets healthy where one may fail, and goes back where none may', async () => {
    const lenient = { hosts, slots: 1 as const, deadline: '2s', strategy: rolling('max_failures = 1') };
    scene.declare({
      service: shopService({ ...lenient, more: sickHook('web-3') }),
      more: 'policy "prod" { min_in_service = "25%" }',
    });
    scene.setVersion('1.0.0');
    const client = startShareClient(scene.port, rate);
    const applied = await scene.cli('apply', '--auto-approve', '--json');
    expect(applied.code).toBe(0);
    const lines = linesOf(applied.stdout);
    expect(lines.filter((line) => line.type === 'left_out').map((line) => line.host)).toEqual(['web-3']);
    expect(lines.at(-1)?.outcome).toBe('complete');
    expect(await scene.haproxy.master('@1 show servers state shop_main')).toMatch(/web-3/);

    scene.declare({
      service: shopService({ ...lenient, strategy: rolling(''), more: sickHook('web-3') }),
      more: 'policy "prod" { min_in_service = "25%" }',
    });
    scene.setVersion('2.0.0');
    const reverted = await scene.cli('apply', '--auto-approve', '--json');
    await client.stop();
    expect(reverted.code).toBe(3);
    expect(client.failures).toEqual([]);
    expect(await scene.servedBy()).toBe('1.0.0');
  }, 120_000);
});

/** A hook that fails on one host: the host is healthy or not by it, whatever the release. */
const sickHook = (host: string): string => `hook "after_start" {
    run = ["sh", "-c", "test \\"$DEPLOYCTL_HOST\\" != ${host}"]
    on  = "each_host"
  }`;

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 600; turn += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not come to that in a minute');
}
