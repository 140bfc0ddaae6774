/** Runs a command in a control group of its own, so that what it and all its descendants cost is counted by the kernel. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where control groups of version 2 are mounted, alone or beside those of version 1. */
const mount = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
  existsSync(join(path, 'cgroup.controllers')),
);

export interface Figures {
  readonly code: number | null;
  readonly wallSeconds: number;
  /** Of the command and everything that it started, also what it left running in the background. */
  readonly cpuSeconds: number;
  /** The most that one of its processes had resident at once. */
  readonly largestMb: number;
  /** The most that all of them together had resident, pages that they share counted once. Sampled. */
  readonly togetherMb: number;
  readonly output: string;
}

/** A group of processes: its CPU time so far, and its end. */
export class Group implements Disposable {
  readonly #folder: string;

  constructor(name: string) {
    if (mount === undefined) throw new Error('there are no control groups (version 2) here');
    this.#folder = join(mount, `deployctl-bench-${process.pid}-${name}`);
    mkdirSync(this.#folder);
  }

  /** The command line that runs this one in the group. */
  wrap(argv: readonly string[]): readonly [string, ...string[]] {
    return ['sh', '-c', 'echo $$ >"$0" && exec "$@"', join(this.#folder, 'cgroup.procs'), ...argv];
  }

  /** Takes a process in; what it has started already stays where it is. */
  add(pid: number): void {
    writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid));
  }

  get cpuSeconds(): number {
    const usage = /^usage_usec (\d+)$/m.exec(readFileSync(join(this.#folder, 'cpu.stat'), 'utf8'));
    return Number(usage?.[1]) / 1e6;
  }

  get processes(): readonly number[] {
    return readFileSync(join(this.#folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  }

  /** Ends all that is left in it. */
  [Symbol.dispose](): void {
    for (let attempt = 0; attempt < 100 && this.processes.length > 0; attempt += 1) {
      writeFileSync(join(this.#folder, 'cgroup.kill'), '1');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
    rmdirSync(this.#folder);
  }
}

const samplePauseMs = 250;

/** Runs it to its end, at most `limitMs`; what it prints is kept, not shown. */
export async function measured(
  name: string,
  argv: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly limitMs: number },
): Promise<Figures> {
  using group = new Group(name);
  const [program, ...args] = group.wrap(argv);
  const started = performance.now();
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), options.limitMs);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  let ended = false;
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve)).finally(() => {
    ended = true;
  });
  let largestMb = 0;
  let togetherMb = 0;
  const sampling = (async () => {
    while (!ended) {
      let together = 0;
      for (const pid of group.processes) {
        largestMb = Math.max(largestMb, kilobytes(pid, 'status', 'VmHWM') / 1024);
        together += kilobytes(pid, 'smaps_rollup', 'Pss') / 1024;
      }
      togetherMb = Math.max(togetherMb, together);
      await sleep(samplePauseMs);
    }
  })();
  const exit = await code;
  const wallSeconds = (performance.now() - started) / 1000;
  clearTimeout(timer);
  await sampling;
  return { code: exit, wallSeconds, cpuSeconds: group.cpuSeconds, largestMb, togetherMb, output };
}

/** A figure that the kernel tells of a process; 0 for one that is gone. */
function kilobytes(pid: number, file: string, field: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
