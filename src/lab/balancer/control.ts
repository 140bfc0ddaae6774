/** The control socket of the lab's balancer: one JSON object a line in, one a line out. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { parseConfigured, readConfigured, writeConfigured } from './configured.ts';
import type { Admin, Tally } from './pools.ts';
import { type Asked, type Kept, type Route, type Rule, readKept } from './routes.ts';
import { keep, type LabState, restoreMembers } from './state.ts';

/**
 *   {"do":"read"}                                          everything, at run time and as kept
 *   {"do":"sample","route":R,"count":N,"as":…}             where N requests would go, that meet this rule
 *   {"do":"route","route":R,"was":…,"to":…,"fence":…}      compared with run time and file, then set
 *   {"do":"member","pool":P,"member":M,"to":A,"fence":…}
 *   {"do":"config","file":F}                               the pools that were written: the file, and if it is in effect
 *   {"do":"configure","file":F,"was":…,"to":…,"fence":…}   compared with the file, then written and in effect
 */
type Command =
  | { readonly do: 'read' }
  | { readonly do: 'sample'; readonly route: string; readonly count: number; readonly as?: Rule }
  | {
      readonly do: 'route';
      readonly route: string;
      readonly was: { readonly runtime: Route | null; readonly persisted: Route | null } | undefined;
      readonly to: Route | null;
      readonly stickyCookie?: string;
      readonly fence: Fence | undefined;
    }
  | {
      readonly do: 'member';
      readonly pool: string;
      readonly member: string;
      readonly to: Admin;
      readonly fence: Fence | undefined;
    }
  | { readonly do: 'config'; readonly file: string }
  | {
      readonly do: 'configure';
      readonly file: string;
      readonly was: string | null;
      readonly to: string | null;
      readonly fence: Fence | undefined;
    };

interface Fence {
  readonly lineage: string;
  readonly run: number;
}

type Answer =
  | { readonly ok: true; readonly [key: string]: unknown }
  | {
      readonly ok: false;
      readonly code: 'changed' | 'outdated' | 'unknown' | 'failed';
      readonly message: string;
    };

/** A socket that nobody listens on is left behind by a crash, and replaced; one that is in use is an error. */
export async function startControl(path: string, state: LabState): Promise<AsyncDisposable> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (existsSync(path)) {
    if (await isAnswered(path)) throw new Error(`a lab balancer already listens on ${path}`);
    rmSync(path);
  }
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    // readline says the socket's errors again as its own, and nobody's hanging up may end the lab.
    createInterface({ input: socket })
      .on('error', () => socket.destroy())
      .on('line', (line) => {
        if (socket.writable) socket.write(`${JSON.stringify(answer(line, state))}\n`);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

function answer(line: string, state: LabState): Answer {
  try {
    return perform(JSON.parse(line) as Command, state);
  } catch (error) {
    return { ok: false, code: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

const askedAs = ({ by, name, value }: Rule): Asked => {
  switch (by) {
    case 'header':
      return { headers: { [name]: value } };
    case 'cookie':
      return { headers: { cookie: `${name}=${value}` } };
    case 'query':
      return { headers: {}, url: `/?${name}=${value}` };
  }
};

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
const plain = (route: Route | null | undefined): Route | null =>
  route === null || route === undefined
    ? null
    : {
        stable: route.stable,
        canary: route.canary,
        canaryBasisPoints: route.canaryBasisPoints,
        ...(route.audience === undefined
          ? {}
          : { audience: route.audience.map(({ by, name, value }) => ({ by, name, value })) }),
      };

function perform(command: Command, state: LabState): Answer {
  switch (command.do) {
    case 'read':
      return { ok: true, ...read(state) };
    case 'sample': {
      const asked = command.as === undefined ? { headers: {} } : askedAs(command.as);
      const pools = Array.from(
        { length: Math.min(command.count, 10_000) },
        () => state.decide(command.route, asked)?.name ?? '',
      );
      return { ok: true, pools };
    }
    case 'route': {
      const onDisk = readKept(state.stateFile);
      const now = {
        runtime: plain(state.kept.routes[command.route]),
        persisted: plain(onDisk.routes[command.route]),
      };
      const outdated = refuseOutdated(command.fence, onDisk);
      if (outdated !== undefined) return outdated;
      if (
        command.was !== undefined &&
        !(same(plain(command.was.runtime), now.runtime) && same(plain(command.was.persisted), now.persisted))
      ) {
        return { ok: false, code: 'changed', message: `the route is ${JSON.stringify(now)} now` };
      }
      const { [command.route]: _, ...others } = state.kept.routes;
      const to = plain(command.to);
      const sticky = command.stickyCookie === undefined ? {} : { stickyCookie: command.stickyCookie };
      keep(state, {
        ...state.kept,
        routes: to === null ? others : { ...others, [command.route]: { ...to, ...sticky } },
        fences: withFence(state.kept.fences, command.fence),
      });
      return { ok: true };
    }
    case 'member': {
      const outdated = refuseOutdated(command.fence, state.kept);
      if (outdated !== undefined) return outdated;
      const member = state.pools.get(command.pool)?.members.find(({ name }) => name === command.member);
      if (member === undefined)
        return { ok: false, code: 'unknown', message: `there is no ${command.pool}/${command.member}` };
      const members = { ...state.kept.members[command.pool], [command.member]: command.to };
      keep(state, {
        ...state.kept,
        members: { ...state.kept.members, [command.pool]: members },
        fences: withFence(state.kept.fences, command.fence),
      });
      member.setAdmin(command.to);
      return { ok: true };
    }
    case 'config': {
      const text = readConfigured(command.file);
      const { configured } = state.table;
      return text === undefined
        ? { ok: true, text: null, loaded: configured === undefined }
        : { ok: true, text, loaded: text === configured };
    }
    case 'configure':
      return configure(command, state);
    default:
      return { ok: false, code: 'unknown', message: 'no such command' };
  }
}

function configure({ file, was, to, fence }: Extract<Command, { do: 'configure' }>, state: LabState): Answer {
  const outdated = refuseOutdated(fence, state.kept);
  if (outdated !== undefined) return outdated;
  const now = readConfigured(file) ?? null;
  if (now !== was && now !== to)
    return { ok: false, code: 'changed', message: `${file} holds another text now` };
  // Before anything is written: a text that cannot be loaded must not be there at the next start.
  if (to !== null) parseConfigured(to);
  writeConfigured(file, to ?? undefined);
  keep(state, { ...state.kept, configFile: file, fences: withFence(state.kept.fences, fence) });
  state.table.configure(to ?? undefined);
  restoreMembers(state);
  return { ok: true };
}

function refuseOutdated(fence: Fence | undefined, { fences }: Kept): Answer | undefined {
  const newest = fence === undefined ? undefined : fences[fence.lineage];
  return fence === undefined || newest === undefined || newest <= fence.run
    ? undefined
    : { ok: false, code: 'outdated', message: `run ${newest} was here already` };
}

const withFence = (fences: Kept['fences'], fence: Fence | undefined): Kept['fences'] =>
  fence === undefined
    ? fences
    : { ...fences, [fence.lineage]: Math.max(fence.run, fences[fence.lineage] ?? 0) };

const counted = ({ requests, failed, averageMs }: Tally) => ({ requests, failed, averageMs });

function read(state: LabState): Readonly<Record<string, unknown>> {
  const persistedText = existsSync(state.stateFile) ? readFileSync(state.stateFile, 'utf8') : undefined;
  return {
    pid: process.pid,
    stateFile: state.stateFile,
    runtime: state.kept.routes,
    persisted: readKept(state.stateFile).routes,
    persistedText,
    pools: [...state.pools.values()].map((pool) => ({
      name: pool.name,
      ...counted(pool.tally),
      members: pool.members.map(({ name, admin, up, settled, sessions, lastCheck, tally }) => ({
        ...counted(tally),
        name,
        admin,
        up: up && admin !== 'maint',
        settled: settled && admin !== 'maint',
        sessions,
        check: lastCheck,
      })),
    })),
  };
}
