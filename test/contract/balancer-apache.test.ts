import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apache } from '../../src/providers/apache/index.ts';
import { withRoute } from '../../src/providers/apache/map-file.ts';
import { balancer, localChannels, pool } from '../rig/balancers.ts';
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

describeBalancer('Apache', start, { isAvailable: isInstalled(apacheProgram), readsFlags: true });
