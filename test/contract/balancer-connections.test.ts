/** Open connections of a host to members, counted with ss where it is installed and from the kernel's tables where it is not. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import {
  connectionsScript,
  connectionValues,
  readConnections,
} from '../../src/providers/balancer/probed/sockets.ts';
import { pool } from '../rig/balancers.ts';

const run = promisify(execFile);

/** Every program that the script may use, but for ss. */
async function folderWithoutSs(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'no-ss-'));
  for (const name of ['sh', 'sed', 'getent']) {
    const { stdout } = await run('sh', ['-c', `command -v ${name}`]);
    await symlink(stdout.trim(), join(folder, name));
  }
  return folder;
}

test.for([true, false])('connections to members are counted by address and port (ss: %s)', async (hasSs) => {
  await using closing = new AsyncDisposableStack();
  const listen = async (address: string): Promise<number> => {
    const server = createServer((socket) => socket.resume());
    server.listen(0, address);
    await once(server, 'listening');
    closing.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return (server.address() as AddressInfo).port;
  };
  const open = async (port: number, address: string): Promise<void> => {
    const socket = connect(port, address);
    await once(socket, 'connect');
    closing.defer(() => void socket.destroy());
  };
  const [four, six, other] = [await listen('127.0.0.1'), await listen('::1'), await listen('127.0.0.1')];
  await open(four, '127.0.0.1');
  await open(four, '::ffff:127.0.0.1');
  await open(six, '::1');
  await open(other, '127.0.0.1');
  const member = (name: string, address: string, port: number) => ({ name, address, port });
  const members = [
    member('four', '127.0.0.1', four),
    member('named', 'localhost', four),
    member('six', '0:0::1', six),
    member('elsewhere', '127.0.0.2', four),
  ];
  const pools = [{ ...pool('shop', {}), members }];

  const folder = hasSs ? undefined : await folderWithoutSs();
  if (folder !== undefined) closing.defer(() => rm(folder, { recursive: true }));
  const env = { ...connectionValues(pools), PATH: folder ?? `${process.env.PATH}:/usr/sbin:/sbin` };
  const { stdout } = await run('/bin/sh', ['-c', connectionsScript], { env });
  expect(Object.fromEntries(readConnections('lb-1', pools, stdout))).toEqual({
    'shop/four': 2,
    'shop/named': 2,
    'shop/six': 1,
    'shop/elsewhere': 0,
  });
});

test('where neither is to be had, not known is never taken for none', () => {
  expect(() => readConnections('lb-1', [pool('shop', { 'web-1': 80 })], 'unreadable\n')).toThrow(
    'could not be read',
  );
});
