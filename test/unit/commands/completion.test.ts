/** The scripts as the shells themselves run them: what is offered at the end of a line. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programIn } from '../../rig/program.ts';
import { temporaryFolder } from '../../rig/state.ts';

const folder = temporaryFolder();
const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];
const isThere = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

beforeAll(async () => {
  const { cli } = programIn(folder.path);
  await Promise.all(
    shells.map(async (shell) =>
      writeFileSync(join(folder.path, `completion.${shell}`), (await cli('completion', shell)).stdout),
    ),
  );
  for (const name of ['prod', 'staging']) {
    mkdirSync(join(folder.path, 'work/environments', name), { recursive: true });
  }
  writeFileSync(join(folder.path, 'work/prod.plan'), '');
});
afterAll(() => folder[Symbol.dispose]());

/** How each shell is asked for what it would offer at the end of a line, one a line on standard output. */
const asking: Readonly<Record<Shell, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) => [
    'bash',
    '--norc',
    '-c',
    `source ../completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _deployctl; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    'deployctl',
    ...words,
  ],
  // compadd, _describe and _files are what a completion function ends in; the rest of zsh's machinery needs a terminal.
  zsh: (words) => [
    'zsh',
    '-f',
    '-c',
    `_describe() { local item; for item in "\${(@P)@[-1]}"; do print -r -- "\${item%%:*}"; done }
     compadd() { shift; print -rl -- "$@" }
     _files() { print -rl -- *(N) }
     compset() { : }
     source ../completion.zsh; words=("$@"); CURRENT=$#; PREFIX=$words[-1]; _deployctl`,
    'zsh',
    'deployctl',
    ...words,
  ],
  fish: (words) => [
    'fish',
    '--no-config',
    '-c',
    'source ../completion.fish; complete -C (string join " " -- $argv)',
    'deployctl',
    ...words,
  ],
};

function offered(shell: Shell, ...words: readonly string[]): readonly string[] {
  const [program = '', ...argv] = asking[shell](words);
  const { stdout, stderr } = spawnSync(program, argv, {
    cwd: join(folder.path, 'work'),
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder.path, TERM: 'dumb' },
  });
  expect(stderr).toBe('');
  const last = words.at(-1) ?? '';
  return stdout
    .split('\n')
    .map((line) => line.split('\t')[0] ?? '')
    .filter((line) => line !== '' && (line.startsWith(last) || last.includes('=')));
}

describe.for(shells)('%s', (shell) => {
  test.skipIf(!isThere(shell))(
    `offers commands, flags, values and environments (${shell} must be installed)`,
    () => {
      expect(offered(shell, 'pl')).toEqual(['plan']);
      expect(offered(shell, 'st')).toEqual(expect.arrayContaining(['state', 'status']));
      expect([...offered(shell, 'state', 'p')].sort()).toEqual(['pull', 'push']);
      expect(offered(shell, 'plan', '--det')).toEqual(['--detailed-exitcode']);
      expect(offered(shell, 'fmt', '--target')).toEqual([]);
      expect(offered(shell, 'plan', '--out', 'x.plan', 'pr')).toContain('prod');
      expect(offered(shell, 'plan', 'st')).toEqual(['staging']);
      expect(offered(shell, 'state', 'list', 'st')).toEqual(['staging']);
      expect(offered(shell, 'history', 'prod', 'st')).toEqual([]);
      expect([...offered(shell, 'graph', '--format', '')].sort()).toEqual(['dot', 'mermaid', 'svg']);
      expect([...offered(shell, 'apply', 'pro')].sort()).toEqual(['prod', 'prod.plan']);
      expect(offered(shell, '--chd')).toEqual(['--chdir']);
      expect(offered(shell, 'completion', 'z')).toEqual(['zsh']);
    },
  );

  test.skipIf(!isThere(shell))(
    `finds the environments of the folder that -C names (${shell} must be installed)`,
    () => {
      mkdirSync(join(folder.path, 'other/environments/elsewhere'), { recursive: true });
      expect(offered(shell, '-C', '../other', 'plan', 'else')).toEqual(['elsewhere']);
      expect(offered(shell, '-C', '../other', 'plan', 'pr')).toEqual([]);
    },
  );
});

test.for(shells)('%s runs nothing that a folder is called', (shell, { skip }) => {
  if (!isThere(shell)) skip(`${shell} must be installed`);
  const name = '$(touch ran)`touch ran`';
  mkdirSync(join(folder.path, 'hostile/environments', name), { recursive: true });
  for (const line of [
    ['plan', ''],
    ['apply', ''],
    ['state', 'list', '$'],
  ])
    offered(shell, '-C', '../hostile', ...line);
  expect(existsSync(join(folder.path, 'work/ran'))).toBe(false);
});

test.skipIf(!isThere('bash'))('bash: a value behind "=", which bash takes for a word of its own', () => {
  expect(offered('bash', 'graph', '--format', '=', 's')).toEqual(['svg']);
  expect([...offered('bash', 'graph', '--format', '=')].sort()).toEqual(['dot', 'mermaid', 'svg']);
});
