/** The lab's balancer in a process of its own, so that it can be killed as any other. Run as a program, it is that process. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type LabBalancerOptions, startLabBalancer } from '../../src/lab/balancer/index.ts';

export interface RunningLabBalancer extends AsyncDisposable {
  readonly port: number;
  /** SIGKILL. */
  kill9(): Promise<void>;
  /** Again, on the same port. */
  start(): Promise<void>;
}

export async function forkLabBalancer(options: LabBalancerOptions): Promise<RunningLabBalancer> {
  let child: ChildProcess;
  let port = options.port;
  const start = async (): Promise<void> => {
    child = fork(fileURLToPath(import.meta.url), [JSON.stringify({ ...options, port })], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve(Number(message)));
      child.once('exit', (code) => reject(new Error(`the lab balancer ended with ${code}`)));
    });
  };
  const kill9 = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    get port() {
      return port;
    },
    kill9,
    start,
    [Symbol.asyncDispose]: kill9,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const running = await startLabBalancer(JSON.parse(process.argv[2] ?? '{}') as LabBalancerOptions);
  process.send?.(running.port);
  // Without its parent it is nobody's.
  process.on('disconnect', () => process.exit());
}
