import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apache } from '../../src/providers/apache/index.ts';
import { withRoute } from '../../src/providers/apache/map-file.ts';
import { startBackend } from '../rig/backend.ts';
import { balancer, context, edge, helpless, localChannels, pool } from '../rig/balancers.ts';
import { apacheProgram, isInstalled, type ProxyPaths, startProxy } from '../rig/proxies.ts';
import { type Backends, type BalancerUnderTest, describeBalancer } from './balancer-contract.ts';

async function start({ blue, green }: Backends): Promise<BalancerUnderTest> {
  const fileIn = ({ folder }: ProxyPaths): string => join(folder, 'edge.map');
  const declare = (paths: ProxyPaths) =>
    balancer('apache', { map_file: fileIn(paths), probe_address: `127.0.0.1:${paths.probePort}` }, [
      pool('shop_blue', { 'web-1': blue.port }),
      pool('shop_green', { 'web-1': green.port }),
    ]);
  const proxy = await startProxy(apacheProgram, async (paths) => {
    await writeFile(fileIn(paths), '');
    return apache.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` });
  });
  const declared = declare(proxy.paths);
  const channels = localChannels();
  const file = fileIn(proxy.paths);
  const unused = () => Promise.reject(new Error('it has no such thing'));
  return {
    declared,
    port: proxy.paths.port,
    rate: 500,
    open: (through = (each) => each) => apache.open(declared, through(channels)),
    callByCall: helpless,
    setRouteByHand: async (route, value) =>
      writeFile(file, withRoute(await readFile(file, 'utf8'), route, value)),
    editPersistedByHand: unused,
    setMemberByHand: unused,
    kill9: () => proxy.kill9(),
    start: () => proxy.start(),
    reload: () => proxy.reload(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await channels[Symbol.asyncDispose]();
    },
  };
}

test.skipIf(!isInstalled(apacheProgram))(
  'pools with names longer than Apache takes are switched like any other; one that is not known gets nobody',
  async () => {
    await using blue = await startBackend('blue');
    const name = 'payments_gateway_of_the_whole_house_'.repeat(3);
    const pools = [pool(`${name}blue`, { 'web-1': blue.port })];
    let file = '';
    const declare = ({ folder, probePort }: ProxyPaths) => {
      file = join(folder, 'edge.map');
      return balancer('apache', { map_file: file, probe_address: `127.0.0.1:${probePort}` }, pools);
    };
    await using proxy = await startProxy(apacheProgram, async (paths) => {
      const text = apache.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` });
      await writeFile(file, '');
      return text;
    });
    await using channels = localChannels();
    await using provider = apache.open(declare(proxy.paths), channels);
    const to = { stable: `${name}blue`, canary: `${name}blue`, canaryBasisPoints: 0 };
    const from = { runtime: null, persisted: null };
    await provider.perform({ op: 'route.set', balancer: edge, route: 'shop', from, to }, context());
    const served = async (): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${proxy.paths.port}/`, {
        headers: { connection: 'close' },
      });
      return `${answer.status} ${answer.headers.get('x-served-by')}`;
    };
    expect(await served()).toBe('200 blue');
    await writeFile(
      file,
      withRoute(await readFile(file, 'utf8'), 'shop', { ...to, stable: 'other', canary: 'other' }),
    );
    await expect.poll(served).toBe('503 null');
  },
);

describeBalancer('Apache', start, { isAvailable: isInstalled(apacheProgram), readsFlags: true });
