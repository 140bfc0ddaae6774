/** The tools that hold the house style are tried on violations: a rule that catches nothing proves nothing. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { project } from '../../../tools/build/project.ts';
import { biome, type CheckResult, checks, run } from '../../../tools/checks/checks.ts';

/** What is planted, each in a file of its own: where, what, and the rules that must object. */
const forbiddenImports: readonly (readonly [string, string, string, string])[] = [
  ['the model reads a file', 'model', "import 'node:fs';", 'model-imports-node'],
  ['the model knows the planner', 'model', "import '../planner/prove/index.ts';", 'model-imports-folders'],
  [
    'the model takes only a type from a package',
    'model',
    "import type { z } from 'zod'; export type Z = z.ZodType;",
    'model-imports-packages',
  ],
  ['a strategy opens a socket', 'strategies', "import 'node:net';", 'strategies-imports-node'],
  [
    'a strategy starts a program',
    'strategies',
    "import { spawn } from 'node:child_process'; void spawn;",
    'strategies-imports-node',
  ],
  [
    'a strategy looks at a host',
    'strategies',
    "import '../transport/index.ts';",
    'strategies-imports-folders',
  ],
  [
    'the planner reads a file only when it is asked',
    'planner',
    "export const late = () => import('node:fs/promises');",
    'planner-imports-node',
  ],
  [
    'the planner draws random bytes',
    'planner',
    "import { randomBytes } from 'node:crypto'; void randomBytes;",
    'planner-imports-node',
  ],
  ['the planner waits', 'planner', "import 'node:timers/promises';", 'planner-imports-node'],
  [
    'the planner hands out what the state writes',
    'planner',
    "export * from '../state/local/store.ts';",
    'planner-imports-folders',
  ],
  ['the planner uses SSH', 'planner', "import 'ssh2';", 'planner-imports-packages'],
  ['the engine opens a socket', 'engine', "import 'node:net';", 'only-transport-opens-sockets'],
  ['the user interface reads a file', 'ui', "import 'node:fs';", 'ui-imports-node'],
  ['a provider knows another', 'providers/haproxy', "import '../lab/index.ts';", 'providers-know-no-sibling'],
  ['a provider uses SSH by itself', 'providers/host', "import 'ssh2';", 'ssh2-only-in-transport'],
  ['a command reaches a host', 'commands', "import '../transport/index.ts';", 'commands-imports-folders'],
  ['the app knows a command', 'app', "import '../commands/table.ts';", 'app-knows-no-command'],
];

const forbiddenGlobals: readonly (readonly [string, string])[] = [
  ['the clock', 'export const at = Date.now();'],
  ['a new date', 'export const at = new Date();'],
  ['randomness', 'export const id = Math.random();'],
  ['random ids', 'export const id = crypto.randomUUID();'],
  ['the process', 'export const who = process.env;'],
  ['a timer', 'export const wait = () => setTimeout(() => undefined, 1);'],
  ['the network', "export const answer = () => fetch('http://127.0.0.1');"],
  ['standard output', "console.log('planned');"],
  ['a way around', 'export const at = globalThis.Date;'],
  ['a module of Node', "import { hostname } from 'node:os'; export const name = hostname();"],
];

const pureFolders = ['model', 'planner', 'strategies'] as const;
const planted = (folder: string, number: number): string => `src/${folder}/planted-${number}.ts`;
const plantedBan = (folder: string, number: number): string => `src/${folder}/banned-${number}.ts`;

let copy: string;
let boundaries: CheckResult;
let lint: CheckResult;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'boundaries-'));
  for (const part of [
    'src',
    'tools',
    'package.json',
    'tsconfig.json',
    'biome.json',
    '.dependency-cruiser.mjs',
  ]) {
    await cp(join(project.root, part), join(copy, part), { recursive: true });
  }
  await symlink(join(project.root, 'node_modules'), join(copy, 'node_modules'));
  await Promise.all(
    forbiddenImports.map(([, folder, text], number) =>
      writeFile(join(copy, planted(folder, number)), `${text}\n`),
    ),
  );
  for (const folder of pureFolders) {
    await Promise.all(
      forbiddenGlobals.map(([, text], number) =>
        writeFile(join(copy, plantedBan(folder, number)), `${text}\n`),
      ),
    );
  }
  const named = (name: string) => {
    const check = checks.find((each) => each.name === name);
    if (check === undefined) throw new Error(`there is no check called ${name}`);
    return check;
  };
  [boundaries, lint] = await Promise.all([
    run(named('boundaries'), copy),
    run(
      { ...named('lint'), command: [biome, 'lint', '--colors=off', '--max-diagnostics=none', 'src'] },
      copy,
    ),
  ]);
});

afterAll(() => rm(copy, { recursive: true, force: true }));

describe('the import boundaries', () => {
  test.for(forbiddenImports.map((row, number) => [...row, number] as const))(
    'object when %s',
    ([, folder, , rule, number]) => {
      expect(boundaries.ok).toBe(false);
      const found = boundaries.output
        .split('\n')
        .filter((line) => line.includes(`${planted(folder, number)} `));
      expect(found.map((line) => /error ([a-z0-9-]+):/.exec(line)?.[1])).toContain(rule);
    },
  );

  test('tell the reader what to do', () => {
    expect(boundaries.output).toContain('Take what you need as an argument');
  });
});

describe('the lint of pure code', () => {
  test.for(
    pureFolders.flatMap((folder) =>
      forbiddenGlobals.map(([name], number) => [folder, name, number] as const),
    ),
  )('keeps out of src/%s %s', ([folder, , number]) => {
    const file = plantedBan(folder, number);
    const at = lint.output.split('\n').filter((line) => line.startsWith(`${file}:`));
    expect(at.join('\n')).toMatch(/noRestrictedGlobals|noRestrictedImports|plugin/);
  });

  test('lets the rest of the program use them', async () => {
    const clock = 'src/app/planted-clock.ts';
    await writeFile(join(copy, clock), 'export const at = Date.now();\n');
    const result = await run(
      { name: 'lint', proves: '', command: [biome, 'lint', '--colors=off', clock] },
      copy,
    );
    expect(result.output).toContain('Checked 1 file');
    expect(result.ok).toBe(true);
    expect(await readFile(join(copy, clock), 'utf8')).toContain('Date.now');
  });
});
