/**
 * A run that goes back under way, on real OpenSSH hosts and a real HAProxy: what the new release is answering when its
 * requests are taken away is finished before it is stopped, even where it drops everything at once when told to stop.
 */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventsOf, untilOutput } from '../rig/outcomes.ts';
import { packRelease, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

const hosts = ['web-1', 'web-2'];
const abrupt = '2.0.0-abrupt';

/** Who answered, or why nobody did. */
const answered = (port: number, path: string): Promise<string> =>
  new Promise((resolve) => {
    const call = request({ port, path, agent: false, headers: { host: 'shop.test' } }, (response) => {
      response.on('end', () =>
        resolve(
          response.statusCode === 200
            ? String(response.headers['x-served-by'])
            : `status ${response.statusCode}`,
        ),
      );
      response.on('error', ({ message }) => resolve(message));
      response.resume();
    });
    call.on('error', ({ message }) => resolve(message));
    call.end();
  });

test.for([
  ['blue-green', 2, 'strategy "blue_green" {\n    bake = "60s"\n  }', /"step_started"[^\n]*\/bake"/],
  [
    'a canary with one slot',
    1,
    'strategy "canary" {\n    step {\n      share = 50\n      bake  = "60s"\n    }\n  }',
    /"step_started"[^\n]*\/bake-1"/,
  ],
] as const)('%s, aborted, cuts nobody', { timeout: 180_000 }, async ([, slots, strategy, isBaking]) => {
  await using scene = await startScene({
    webHosts: hosts.length,
    service: shopService({ hosts, slots, strategy: strategy.replace('60s', '0s') }),
  });
  expect(await scene.cli('apply', '--auto-approve')).toMatchObject({ code: 0, stderr: '' });
  packRelease(scene.folder, abrupt);
  scene.setVersion(abrupt);
  scene.declare({ service: shopService({ hosts, slots, strategy }) });
  const { child, ended } = scene.start({}, 'apply', '--auto-approve', '--json');
  await untilOutput(child, isBaking);
  const slow = Array.from({ length: 6 }, () => answered(scene.port, '/slow?ms=4000'));
  // They have to be where they are answered before the route is moved back.
  await sleep(500);
  expect(await scene.cli('abort')).toMatchObject({ code: 0 });
  const applied = await ended;
  const answers = await Promise.all(slow);
  expect(new Set(answers)).toEqual(new Set(slots === 2 ? [abrupt] : ['1.0.0', abrupt]));
  expect([applied.code, applied.stderr]).toEqual([3, '']);
  const undone = eventsOf(applied).flatMap(({ type, step }) => (type === 'step_done' ? [`${step}`] : []));
  // Requests are moved first; nobody who comes later has to wait for those that are being answered.
  if (slots === 2) {
    const [moved, drained, stopped] = ['switch', 'settle', 'web-1/start'].map((what) =>
      undone.findLastIndex((step) => step.endsWith(`/${what}`)),
    );
    expect([moved, drained, stopped].toSorted((a = 0, b = 0) => a - b)).toEqual([moved, drained, stopped]);
    expect(moved).toBeGreaterThan(undone.indexOf('shop/green/switch'));
  }
  expect(await scene.servedBy()).toBe('1.0.0');
});
