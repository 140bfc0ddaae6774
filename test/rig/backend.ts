/** A backend that says who it is, in every way that a client can be connected to it. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Backend extends AsyncDisposable {
  /** `blue`: what every answer says in `x-served-by`. */
  readonly name: string;
  readonly port: number;
  /** What `/health` answers from now on. */
  setHealthy(healthy: boolean): void;
  /** Ends it at once, connections and all; the port is free again when it resolves. */
  kill(): Promise<void>;
  /** Listens again on the same port. */
  restart(): Promise<void>;
}

/**
 * `GET /health` answers 200 or 503, `GET /slow?ms=1500` after that time, `GET /drop` closes without an answer, and
 * anything with `Upgrade: echo` becomes a connection that echoes lines, each with the name in front of it.
 */
export async function startBackend(name: string, port = 0): Promise<Backend> {
  let healthy = true;
  let bound = port;
  let sockets = new Set<Socket>();
  let server: Server;

  const listen = async (): Promise<void> => {
    sockets = new Set();
    // Longer than the proxy's: a backend that closes idle connections first causes failures of its own.
    server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      const url = new URL(request.url ?? '/', 'http://backend');
      response.setHeader('x-served-by', name);
      if (url.pathname === '/health') {
        response.statusCode = healthy ? 200 : 503;
        response.end(healthy ? 'ok' : 'not now');
      } else if (url.pathname === '/slow') {
        setTimeout(() => response.end(name), Number(url.searchParams.get('ms') ?? 1500));
      } else if (url.pathname === '/drop') {
        request.socket.destroy();
      } else {
        response.end(name);
      }
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    });
    server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Served-By: ${name}\r\n\r\n`,
      );
      socket.on('data', (chunk) => socket.write(`${name} ${chunk.toString()}`));
      socket.on('end', () => socket.end());
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(bound, '127.0.0.1', resolve);
    });
    bound = (server.address() as AddressInfo).port;
  };
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });

  await listen();
  return {
    name,
    get port() {
      return bound;
    },
    setHealthy(next) {
      healthy = next;
    },
    kill,
    restart: listen,
    [Symbol.asyncDispose]: kill,
  };
}
