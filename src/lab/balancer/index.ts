/**
 * The lab's load balancer: HTTP on loopback, in Node, for trying deployctl and for its tests. It decides for each
 * request by a route as HAProxy does with the snippet, and is told over a unix socket. It is no balancer for production.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PoolTable, readConfigured } from './configured.ts';
import { startControl } from './control.ts';
import { forwardRequest, forwardUpgrade } from './forward.ts';
import type { LabPool } from './pools.ts';
import { bucketOf, meets, type Route, readKept } from './routes.ts';
import { type LabState, restoreMembers } from './state.ts';

export type { LabPool } from './pools.ts';

export interface LabBalancerOptions {
  /** Loopback only. */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
  /** A unix socket; whoever may write to it may move traffic, so it is made with mode 0600. */
  readonly controlSocket: string;
  /** Where routes and members out of service are kept over a restart. */
  readonly stateFile: string;
  readonly pools: readonly LabPool[];
  /**
   * Names of routes, beside those that it was told. A request belongs to the one that the first label of its host names,
   * else to the first.
   */
  readonly routes: readonly string[];
}

export interface LabBalancer extends AsyncDisposable {
  readonly port: number;
  /** Takes no new connection, finishes the requests in hand, and cuts what is left after `withinMs`. */
  stop(withinMs: number): Promise<void>;
  /** Ends at once, as a crash would. */
  kill(): Promise<void>;
}

/** Resolves when it takes requests. Fails when the port or the socket is taken, or the state file cannot be read. */
export async function startLabBalancer(options: LabBalancerOptions): Promise<LabBalancer> {
  const { host = '127.0.0.1', stateFile } = options;
  const kept = readKept(stateFile);
  const table = new PoolTable(options.pools);
  if (kept.configFile !== undefined) table.configure(readConfigured(kept.configFile));
  const { pools } = table;
  const state: LabState = {
    table,
    pools,
    stateFile,
    kept,
    decide(route, asked) {
      const value: Route | undefined = state.kept.routes[route];
      if (value === undefined) return undefined;
      const stable = pools.get(value.stable);
      const isCanary =
        bucketOf(value, asked.headers) < value.canaryBasisPoints ||
        value.audience?.some((rule) => meets(rule, asked)) === true;
      const canary = isCanary ? pools.get(value.canary) : undefined;
      // A canary without a member that is up is left out.
      return canary?.isAlive === true ? canary : stable;
    },
  };
  restoreMembers(state);
  const routeOf = (request: IncomingMessage): string => {
    const label = (request.headers.host ?? '').toLowerCase().split(/[.:]/, 1)[0] ?? '';
    const isKnown = options.routes.includes(label) || Object.hasOwn(state.kept.routes, label);
    return isKnown ? label : (options.routes[0] ?? '');
  };

  const sockets = new Set<Socket>();
  let isStopping = false;
  let inHand = 0;
  const server = createServer(
    { keepAliveTimeout: 60_000 },
    (request: IncomingMessage, response: ServerResponse) => {
      inHand += 1;
      response.on('close', () => {
        inHand -= 1;
      });
      if (isStopping) response.setHeader('connection', 'close');
      const pool = state.decide(routeOf(request), request);
      if (pool === undefined) response.writeHead(503, { 'content-type': 'text/plain' }).end('no route\n');
      else forwardRequest(pool, request, response);
    },
  );
  server.on('upgrade', (request, socket: Socket, head) => {
    const pool = state.decide(routeOf(request), request);
    if (pool === undefined)
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else forwardUpgrade(pool, request, socket, head);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, resolve);
  });
  let control: AsyncDisposable;
  try {
    control = await startControl(options.controlSocket, state);
  } catch (error) {
    server.close();
    throw error;
  }
  table.startChecks();

  const close = async (): Promise<void> => {
    table.stopChecks();
    await control[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
  };
  const ended = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await close();
    await closed;
  };
  const stop = async (withinMs: number): Promise<void> => {
    isStopping = true;
    server.close();
    server.closeIdleConnections();
    const deadline = Date.now() + withinMs;
    while (inHand > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    await close();
  };
  return {
    port: (server.address() as AddressInfo).port,
    stop,
    kill: ended,
    async [Symbol.asyncDispose]() {
      if (server.listening) await stop(0);
    },
  };
}
