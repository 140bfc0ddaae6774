import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openLabBalancer } from '../../src/providers/lab/index.ts';
import { balancer, localChannels, pool } from '../rig/balancers.ts';
import { forkLabBalancer } from '../rig/lab-balancer.ts';
import { type Backends, type BalancerUnderTest, describeBalancer } from './balancer-contract.ts';

async function start({ blue, green }: Backends): Promise<BalancerUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'lab-'));
  const controlSocket = join(folder, 'control.sock');
  const stateFile = join(folder, 'balancer.json');
  const pools = [pool('shop_blue', { 'web-1': blue.port }), pool('shop_green', { 'web-1': green.port })];
  const options = {
    controlSocket,
    stateFile,
    routes: ['shop'],
    pools: pools.map(({ name, members }) => ({
      name,
      members,
      health: { path: '/health', status: 200, intervalMs: 250, timeoutMs: 5000 },
    })),
  };
  const running = await forkLabBalancer({ ...options, port: 0 });
  const { port } = running;
  const declared = balancer('lab', { control_socket: controlSocket }, pools);
  const channels = localChannels();
  const tell = async (command: object): Promise<void> => {
    const socket = connect({ path: controlSocket });
    socket.end(`${JSON.stringify(command)}\n`);
    const answer = await text(socket);
    if (!answer.startsWith('{"ok":true')) throw new Error(answer);
  };
  const editFile = async (route: string, value: object): Promise<void> => {
    const kept = JSON.parse(await readFile(stateFile, 'utf8')) as { routes: Record<string, object> };
    await writeFile(stateFile, JSON.stringify({ ...kept, routes: { ...kept.routes, [route]: value } }));
  };
  return {
    declared,
    port,
    // It is for trying: it need not be fast.
    rate: 300,
    open: (through = (each) => each) => openLabBalancer(declared, through(channels)),
    async setRouteByHand(route, value) {
      const before = await readFile(stateFile);
      await tell({ do: 'route', route, to: value });
      await writeFile(stateFile, before);
    },
    editPersistedByHand: editFile,
    setMemberByHand: (poolName, member, admin) => tell({ do: 'member', pool: poolName, member, to: admin }),
    kill9: () => running.kill9(),
    start: () => running.start(),
    reload: undefined,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await channels[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// It writes its file itself, before it answers.
describeBalancer("the lab's balancer", start, { writesTwice: false, scriptsHere: 0 });
