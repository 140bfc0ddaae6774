import { readFile, writeFile } from 'node:fs/promises';
import { openHaproxy } from '../../src/providers/haproxy/index.ts';
import { renderRoute, withRoute } from '../../src/providers/haproxy/render.ts';
import { renderSnippet } from '../../src/providers/haproxy/snippet.ts';
import { balancer, helpless, localChannels, pool } from '../rig/balancers.ts';
import { type HaproxyPaths, hasHaproxy, startHaproxy } from '../rig/haproxy.ts';
import { type Backends, type BalancerUnderTest, describeBalancer } from './balancer-contract.ts';

/** The configuration is what `deployctl snippet --full` prints: what users get is what is tested. */
async function start({ blue, green }: Backends): Promise<BalancerUnderTest> {
  const declare = (paths: HaproxyPaths) =>
    balancer('haproxy', { master_socket: paths.masterSocket, map_file: paths.mapFile }, [
      pool('shop_blue', { 'web-1': blue.port }),
      pool('shop_green', { 'web-1': green.port }),
    ]);
  const proxy = await startHaproxy({
    config: (paths) => renderSnippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` }),
  });
  const declared = declare(proxy.paths);
  const channels = localChannels();
  const { mapFile } = proxy.paths;
  return {
    declared,
    port: proxy.paths.port,
    rate: 1000,
    open: (through = (each) => each) => openHaproxy(declared, through(channels)),
    callByCall: helpless,
    async setRouteByHand(route, value) {
      for (const pid of await proxy.workers()) {
        await proxy.master(`@!${pid} set map ${mapFile} ${route} ${renderRoute(value)}`);
      }
    },
    async editPersistedByHand(route, value) {
      await writeFile(mapFile, withRoute(await readFile(mapFile, 'utf8'), route, value));
    },
    async setMemberByHand(poolName, member, admin) {
      for (const pid of await proxy.workers()) {
        await proxy.master(`@!${pid} set server ${poolName}/${member} state ${admin}`);
      }
    },
    kill9: () => proxy.kill9(),
    start: () => proxy.start(),
    reload: () => proxy.reload(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await channels[Symbol.asyncDispose]();
    },
  };
}

describeBalancer('HAProxy', start, { isAvailable: hasHaproxy });
