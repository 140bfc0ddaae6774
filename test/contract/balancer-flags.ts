/** A real proxy with the configuration that `deployctl snippet --full` prints, as the contract suite wants it. */

import { execFile } from 'node:child_process';
import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { RouteValue } from '../../src/model/index.ts';
import { filesOf } from '../../src/providers/balancer/flags/layout.ts';
import type { BalancerKind } from '../../src/providers/registry.ts';
import { balancer, helpless, localChannels, pool } from '../rig/balancers.ts';
import { type ProxyPaths, type ProxyProgram, type RunningProxy, startProxy } from '../rig/proxies.ts';
import type { Backends, BalancerUnderTest } from './balancer-contract.ts';

export interface FlagsUnderTest extends BalancerUnderTest {
  readonly proxy: RunningProxy;
}

/** A person's way: a copy of the live revision with other files, and the link moved there. */
export async function setFlagsByHand(flagsDir: string, route: string, value: RouteValue): Promise<void> {
  const name = `rev-9${Date.now()}`;
  const now = await readlink(join(flagsDir, 'live'));
  await promisify(execFile)('cp', ['-r', join(flagsDir, now), join(flagsDir, name)]);
  await rm(join(flagsDir, name, route), { recursive: true, force: true });
  await rm(join(flagsDir, name, 'revision', now));
  await writeFile(join(flagsDir, name, 'revision', name), '');
  for (const file of filesOf(value)) {
    const path = join(flagsDir, name, route, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  }
  await symlink(name, join(flagsDir, 'by-hand'));
  await rename(join(flagsDir, 'by-hand'), join(flagsDir, 'live'));
}

export const startFlags =
  (kind: BalancerKind, program: ProxyProgram, rate: number) =>
  async ({ blue, green }: Backends): Promise<FlagsUnderTest> => {
    const declare = (paths: ProxyPaths) =>
      balancer(kind.name, { flags_dir: paths.flagsDir, probe_address: `127.0.0.1:${paths.probePort}` }, [
        pool('shop_blue', { 'web-1': blue.port }),
        pool('shop_green', { 'web-1': green.port }),
      ]);
    const proxy = await startProxy(program, (paths) =>
      kind.snippet(declare(paths), { full: true, bind: `127.0.0.1:${paths.port}` }),
    );
    const declared = declare(proxy.paths);
    const channels = localChannels();
    const { flagsDir } = proxy.paths;
    const unused = () => Promise.reject(new Error('it has no such thing'));
    return {
      proxy,
      declared,
      port: proxy.paths.port,
      rate,
      open: (through = (each) => each) => kind.open(declared, through(channels)),
      callByCall: helpless,
      setRouteByHand: (route, value) => setFlagsByHand(flagsDir, route, value),
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
  };

/** The names of the revisions that are kept. */
export const revisions = async (flagsDir: string): Promise<readonly string[]> =>
  (await readdir(flagsDir)).filter((name) => name.startsWith('rev-'));
