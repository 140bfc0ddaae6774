/** Child processes of a test: started with this very node, ended with it, their words collected. */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Hundreds of children load the same modules: compiled once, each starts in half the time. */
const compileCache = join(tmpdir(), `deployctl-compile-cache-${process.getuid?.() ?? 0}`);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whole lines of standard output. */
  readonly lines: readonly string[];
  readonly stderr: string;
}

export interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the next line of standard output; undefined: it ended. */
  line(): Promise<string | undefined>;
  say(text: string): void;
}

/** Starts a TypeScript file beside the calling test. */
export function startChild(
  script: URL,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Child {
  const child = spawn(process.execPath, ['--no-warnings', fileURLToPath(script), ...args], {
    env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: compileCache, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const waiting: ((line: string | undefined) => void)[] = [];
  let taken = 0;
  let rest = '';
  let stderr = '';
  let isOver = false;
  const hand = (): void => {
    while (waiting.length > 0 && (taken < lines.length || isOver)) waiting.shift()?.(lines[taken++]);
  };
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    hand();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => {
      isOver = true;
      hand();
      resolve({ code, signal, lines, stderr });
    });
  });
  return {
    process: child,
    ended,
    line: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        hand();
      }),
    say: (text) => child.stdin.write(`${text}\n`),
  };
}
