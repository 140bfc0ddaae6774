/** Child processes of a test: started with this very node, ended with it, their words collected. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** Hundreds of children load the same modules: in one file that is compiled once, each takes a third of the time to start. */
export const compiled = join(tmpdir(), `deployctl-compile-cache-${process.getuid?.() ?? 0}`);
const bundles = new Map<string, string>();

/** The script and all that it imports in one file, whose name says what is in it. */
function bundled(script: URL): string {
  const known = bundles.get(script.href);
  if (known !== undefined) return known;
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(script)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    // It has a part that is no JavaScript, and is loaded only by who reaches for a host.
    external: ['ssh2'],
    logLevel: 'error',
  });
  const text = outputFiles.map(({ contents }) => contents).at(0) ?? new Uint8Array();
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const path = join(compiled, `${basename(script.pathname, '.ts')}-${digest}.mjs`);
  mkdirSync(compiled, { recursive: true });
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
  bundles.set(script.href, path);
  return path;
}

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
  const child = spawn(process.execPath, ['--no-warnings', bundled(script), ...args], {
    env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: compiled, ...environment },
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
