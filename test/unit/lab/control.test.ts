import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { forkLabBalancer } from '../../rig/lab-balancer.ts';

test('whoever hangs up before the answer does not end the balancer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lab-'));
  const controlSocket = join(folder, 'control.sock');
  const running = await forkLabBalancer({
    port: 0,
    controlSocket,
    stateFile: join(folder, 'balancer.json'),
    routes: ['shop'],
    pools: [],
  });
  try {
    for (let turn = 0; turn < 50; turn += 1) {
      await new Promise<void>((resolve) => {
        const socket = connect(controlSocket, () => {
          socket.write('{"do":"read"}\n{"do":"read"}\n{"do":"read"}\n', () => socket.destroy());
        });
        socket.on('error', () => resolve());
        socket.on('close', () => resolve());
      });
    }
    const asking = connect(controlSocket);
    asking.end('{"do":"read"}\n');
    expect(JSON.parse(await text(asking))).toMatchObject({ ok: true });
  } finally {
    await running[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
});
