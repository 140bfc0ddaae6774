/**
 * A backend that says who it is, in every way that a client can be connected to it. It is a process of its own, so that
 * it does not share the time of the client that measures it, and dies as a service does. Run as a program, it is that.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { on } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Backend extends AsyncDisposable {
  /** `blue`: what every answer says in `x-served-by`. */
  readonly name: string;
  readonly port: number;
  /** Resolves when so many more requests for `/held` have come; all are answered when `release` is called. */
  untilHeld(count?: number): Promise<void>;
  release(): void;
  /** How `/health` answers from now on: 200, 503, or one after the other. A new process is well. */
  health(answers: Health): void;
  /** SIGKILL: its connections are cut and its port is closed when it resolves. */
  kill(): Promise<void>;
  /** Again, on the same port. */
  restart(): Promise<void>;
}

export type Health = 'well' | 'ill' | 'by turns';

/** Resolves when it listens, on a port of its own where none is given. `by`: the command that starts it where it is to be. */
export async function startBackend(
  name: string,
  address = '127.0.0.1',
  wanted = 0,
  by: readonly string[] = [],
): Promise<Backend> {
  let child: ChildProcess;
  let port = wanted;
  const [execPath = process.execPath, ...execArgv] = [...by, process.execPath];
  const restart = async (): Promise<void> => {
    const started = fork(fileURLToPath(import.meta.url), [name, address, String(port)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...(by.length === 0 ? {} : { execPath, execArgv }),
    });
    child = started;
    port = await new Promise<number>((resolve, reject) => {
      started.once('message', (message) => resolve(Number(message)));
      started.once('exit', (code) => reject(new Error(`the backend ${name} ended with ${code}`)));
    });
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  await restart();
  return {
    name,
    get port() {
      return port;
    },
    async untilHeld(count = 1) {
      let left = count;
      for await (const _ of on(child, 'message')) {
        left -= 1;
        if (left <= 0) return;
      }
    },
    release: () => void child.send('release'),
    health: (answers) => void child.send(answers),
    kill,
    restart,
    [Symbol.asyncDispose]: kill,
  };
}

/**
 * `GET /health` answers 200 or as it is told, `GET /slow?ms=1500` after that time, `GET /held` when the parent says so, `GET /drop` closes
 * without an answer, and anything with `Upgrade: echo` becomes a connection that echoes lines, each with the name in front
 * of it.
 */
function serve(name: string, address: string, port: number): void {
  const held: ServerResponse[] = [];
  let health: Health = 'well';
  /** By who asks: somebody else's check in between makes nobody well. */
  const checks = new Map<string, number>();
  // Longer than the proxy's: a backend that closes idle connections first causes failures of its own.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://backend');
    response.setHeader('x-served-by', name);
    if (url.pathname === '/health') {
      const who = request.headers['user-agent'] ?? '';
      const turn = (checks.get(who) ?? 0) + 1;
      checks.set(who, turn);
      response.statusCode = health === 'ill' || (health === 'by turns' && turn % 2 === 0) ? 503 : 200;
      response.end(name);
    } else if (url.pathname === '/slow') {
      setTimeout(() => response.end(name), Number(url.searchParams.get('ms') ?? 1500));
    } else if (url.pathname === '/held') {
      held.push(response);
      process.send?.('held');
    } else if (url.pathname === '/drop') {
      request.socket.destroy();
    } else {
      response.end(name);
    }
  });
  server.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Served-By: ${name}\r\n\r\n`,
    );
    socket.on('data', (chunk) => socket.write(`${name} ${chunk.toString()}`));
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  server.listen(port, address, () => process.send?.((server.address() as AddressInfo).port));
  process.on('message', (message: 'release' | Health) => {
    if (message !== 'release') health = message;
    else for (const response of held.splice(0)) response.end(name);
  });
  // Without its parent it is nobody's.
  process.on('disconnect', () => process.exit());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , name = '', address = '', port = ''] = process.argv;
  serve(name, address, Number(port));
}
