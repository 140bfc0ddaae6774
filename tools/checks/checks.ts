/** What holds the sources to the house style, each by a tool of its own. `npm run check` runs them all. */
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { project } from '../build/project.ts';

export interface Check {
  readonly name: string;
  /** What it proves, in a few words. */
  readonly proves: string;
  /** Files and options for Node: each tool is a JavaScript program of node_modules. */
  readonly command: readonly string[];
}

export interface CheckResult {
  readonly check: Check;
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

const tool = (path: string): string => `${project.root}/node_modules/${path}`;

/** Biome's own starter, which finds its binary; tests call it with other arguments. */
export const biome = tool('@biomejs/biome/bin/biome');

export const checks: readonly Check[] = [
  {
    name: 'types',
    proves: 'the strictest TypeScript flags',
    command: [tool('typescript/bin/tsc'), '-p', '.', '--pretty', 'false'],
  },
  {
    name: 'lint',
    proves: 'format, lint, no clock or randomness in planning',
    command: [biome, 'check', '--error-on-warnings', '--colors=off', '--max-diagnostics=60'],
  },
  {
    name: 'boundaries',
    proves: 'who may import whom',
    command: [
      '--import',
      pathToFileURL(`${project.root}/tools/checks/typescript-hook.ts`).href,
      tool('dependency-cruiser/bin/dependency-cruiser.mjs'),
      '--config',
      '.dependency-cruiser.mjs',
      '--output-type',
      'err-long',
      'src',
      'tools',
    ],
  },
  {
    name: 'dead code',
    proves: 'nothing that nobody uses',
    command: [tool('knip/bin/knip.js'), '--no-progress', '--no-config-hints'],
  },
];

/** Runs one check in `folder` and collects what it says. Never rejects. */
export function run(check: Check, folder: string = project.root): Promise<CheckResult> {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, check.command, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    const end = (ok: boolean): void =>
      resolve({ check, ok, seconds: (performance.now() - started) / 1000, output });
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => {
      output += `${error.message}\n`;
      end(false);
    });
    child.on('close', (code) => end(code === 0));
  });
}

/** Runs them side by side, printing in their order a line for each and everything that a failed one says. */
export async function runChecks(): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const running of checks.map((check) => run(check))) {
    const result = await running;
    const { check } = result;
    results.push(result);
    const mark = result.ok ? 'ok  ' : 'FAIL';
    console.log(
      `${mark} ${check.name.padEnd(11)} ${result.seconds.toFixed(1).padStart(5)} s  ${check.proves}`,
    );
    if (!result.ok) console.log(result.output.trimEnd().replace(/^/gm, '     '));
  }
  return results;
}
