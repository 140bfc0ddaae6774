/** The built program, as a person calls it in a folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** DEPLOYCTL_TEST_DIST: the folder of another build. DEPLOYCTL_TEST_SHOW=1: print each command and what it said. */
export const builtProgram = join(
  process.env.DEPLOYCTL_TEST_DIST ?? join(import.meta.dirname, '../../dist'),
  'deployctl.cjs',
);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  /** Runs it to its end; at most five minutes, for machines that starve it. */
  cli(...args: string[]): Promise<Ended>;
  cliWith(environment: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended>;
  /** Starts it and gives the process, for signals. */
  start(
    environment: Readonly<Record<string, string>>,
    ...args: string[]
  ): { readonly child: ChildProcess; readonly ended: Promise<Ended> };
}

const longestMs = 300_000;

export function programIn(folder: string): Program {
  const start: Program['start'] = (environment, ...args) => {
    const child = spawn(process.execPath, [builtProgram, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = Promise.all([
      text(child.stdout),
      text(child.stderr),
      new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) =>
        child.once('close', (code, signal) => resolve([code, signal])),
      ),
    ]).then(([stdout, stderr, [code, signal]]): Ended => {
      if (process.env.DEPLOYCTL_TEST_SHOW === '1')
        process.stderr.write(`\n$ deployctl ${args.join(' ')}\n${stdout}${stderr}=> ${code ?? signal}\n`);
      return { code, signal, stdout, stderr };
    });
    return { child, ended };
  };
  const cliWith: Program['cliWith'] = async (environment, ...args) => {
    const { child, ended } = start(environment, ...args);
    const timer = setTimeout(() => child.kill('SIGKILL'), longestMs);
    const result = await ended;
    clearTimeout(timer);
    return result;
  };
  return { start, cliWith, cli: (...args) => cliWith({}, ...args) };
}
