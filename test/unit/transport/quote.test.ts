import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  announcedLoaderCommand,
  encodeProgram,
  encodeScript,
  loaderArguments,
  loaderCommand,
  programCommand,
} from '../../../src/transport/loader.ts';
import { assignments, quoteArgument, quoteArguments } from '../../../src/transport/quote.ts';

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', ':']).status === 0;
// Not mksh: without a printf of its own it would need 100,000 processes.
const shells = ['dash', 'bash', 'sh', 'busybox sh', 'zsh'].filter((shell) => {
  const [program = ''] = shell.split(' ');
  return shell.includes(' ')
    ? isThere(program) || spawnSync(program, ['true']).status === 0
    : isThere(program);
});

/** They never see what is quoted: sshd hands them the fixed loader, and that has to mean the same in each of them. */
const loginShells = ['fish', 'tcsh', 'mksh'].filter(isThere);

const atoms = [
  ...`'"\\$\`!*?[]{}()<>|&;~#=%^ \t\n\r-ab/.éü€😀`,
  ...[
    '\x01',
    '\x7f',
    '\x1b',
    '\x81',
    '\x88',
    '\u202e',
    '$(id)',
    '`id`',
    "''",
    '\\\\',
    '!!',
    '~root',
    '%s',
    '\\n',
    '\\0101',
    '\\c',
  ],
];

/** Random argument lists, the same for the same seed. Made by hand: a hundred thousand of them in a moment. */
function* argumentLists(count: number, seed: number): Generator<string[]> {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (let made = 0; made < count; made += 1) {
    yield Array.from({ length: below(5) }, () =>
      Array.from({ length: below(9) }, () => atoms[below(atoms.length)] ?? '').join(''),
    );
  }
}

/** A script that says how many words each list has, and then each word. */
const sayingEach = (lists: readonly string[][]): string =>
  lists.map((list) => `set -- ${quoteArguments(list)}\nprintf '%s\\0' "$#" "$@"\n`).join('');

const saidOf = (lists: readonly string[][]): Buffer =>
  Buffer.from(lists.map((list) => `${[String(list.length), ...list].join('\0')}\0`).join(''));

const folder = mkdtempSync(join(tmpdir(), 'deployctl-quote-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('quoting', () => {
  test.for([
    ['a plain word stays as it is', 'releases/1.0.0-9f86d081', 'releases/1.0.0-9f86d081'],
    ['nothing is still a word', '', "''"],
    ['a space is quoted', 'a b', "'a b'"],
    ['a quote is taken out of the quotes', "it's", `'it'\\''s'`],
    ['a tilde is quoted, so that it means itself', '~root', "'~root'"],
  ] as const)('%s', ([, text, quoted]) => {
    expect(quoteArgument(text)).toBe(quoted);
  });

  test('a NUL is refused, because no argument can hold it', () => {
    expect(() => quoteArgument('a\0b')).toThrow(TypeError);
  });

  test('a variable with the name of something else is refused', () => {
    expect(() => assignments({ 'x; rm -rf /': '1' })).toThrow(TypeError);
  });

  test('there is a shell to try it on', () => {
    expect(shells).toContain('dash');
    expect(shells).toContain('bash');
  });

  // From a file: bash reads a pipe by the byte.
  const script = join(folder, 'lists.sh');
  let expected: Buffer;
  beforeAll(() => {
    const lists = [...argumentLists(100_000, 20_260)];
    writeFileSync(script, sayingEach(lists));
    expected = saidOf(lists);
  });

  test.for(shells)('100,000 random argument lists come back unchanged from %s', (shell) => {
    const [program = '', ...before] = shell.split(' ');
    const answer = execFileSync(program, [...before, script], { maxBuffer: 1 << 28 });
    expect(answer.equals(expected)).toBe(true);
  });
});

describe('a login shell', () => {
  const scripts: { readonly command: string; readonly sent: string; readonly output: Buffer }[] = [];
  beforeAll(() => {
    const lists = [...argumentLists(100_000, 7_320)];
    for (let at = 0; at < lists.length; at += 20_000) {
      const part = lists.slice(at, at + 20_000);
      for (const [command, encode] of [
        [loaderCommand, encodeScript],
        [programCommand, encodeProgram],
      ] as const) {
        const { sent, marker } = encode(sayingEach(part), {});
        scripts.push({ command, sent, output: Buffer.concat([Buffer.from(`${marker}\n`), saidOf(part)]) });
      }
    }
  });

  test.for(loginShells)(
    '%s passes 100,000 random argument lists on unchanged',
    { timeout: 180_000 },
    (shell) => {
      for (const { command, sent, output } of scripts) {
        const answer = execFileSync(shell, ['-c', command], {
          input: sent,
          maxBuffer: 1 << 28,
          stdio: ['pipe', 'pipe', 'ignore'],
        });
        expect(answer.equals(output)).toBe(true);
      }
    },
  );

  test.for(loginShells)('%s announces how a script begins and ends', (shell) => {
    const { sent, marker } = encodeScript('echo "$value" >&2; exit 7', { value: "it's !! $x" });
    const run = spawnSync(shell, ['-c', announcedLoaderCommand('token', false)], { input: sent });
    expect(run.stderr.toString()).toBe(`token+\n${marker}\nit's !! $x\ntoken 7\n`);
    expect(run.status).toBe(7);
  });
});

/** Bash takes a socket for its input as a sign that sshd started it, and reads what its user has in `~/.bashrc`. */
const runShell = (program: string, args: readonly string[], input: string) =>
  spawnSync(program, args, { input, env: { ...process.env, HOME: '/nonexistent' } });

describe('the loader', () => {
  test.for(shells)('runs nothing through %s of a script that was cut off on its way', (shell) => {
    const [program = '', ...before] = shell.split(' ');
    const { sent } = encodeScript('echo first\necho second', { value: 'x' });
    for (const cut of [sent.length - 1, sent.indexOf('second'), sent.indexOf('first') + 5]) {
      const run = runShell(program, [...before, ...loaderArguments], sent.slice(0, cut));
      expect([run.stdout.toString(), run.status]).toEqual(['', 1]);
    }
  });

  test.for(shells)('brings scripts and values through %s, and leaves what follows to the script', (shell) => {
    const [program = '', ...before] = shell.split(' ');
    for (const [index, list] of [...argumentLists(40, 7)].entries()) {
      const value = list.join('|');
      const { sent, marker } = encodeScript(`printf '%s\\0' "$value" "$(cat)"; cat <<'E'\nüber\\n$x\nE\n`, {
        value,
      });
      expect(sent).toMatch(/^[\x20-\x7e]*\n$/);
      const rest = `rest ${index}\nof the input`;
      const run = runShell(program, [...before, ...loaderArguments], `${sent}${rest}`);
      expect(run.stdout.toString()).toBe(`${marker}\n${value}\0${rest}\0über\\n$x\n`);
      expect(run.stderr.toString()).toBe(`${marker}\n`);
    }
  });
});

describe('a program', () => {
  test.for(shells)('runs nothing in %s where it was cut off on its way', (shell) => {
    const [program = '', ...before] = shell.split(' ');
    const { sent } = encodeProgram("echo first\n{ cat; } <<'E'\n}\nE\necho second", { value: '}\n' });
    // All but its last newline is all of it.
    for (let cut = 0; cut < sent.length - 2; cut += 5) {
      const run = runShell(program, before, sent.slice(0, cut));
      expect(run.stdout.toString()).toBe('');
    }
  });

  test.for(shells)('brings values through %s, has no input, and ends as its last command does', (shell) => {
    const [program = '', ...before] = shell.split(' ');
    for (const list of argumentLists(40, 7)) {
      const value = list.join('|');
      const { sent, marker } = encodeProgram(
        `printf '%s\\0' "$value" "$(cat)"; cat <<'E'\nüber\\n$x\nE\nsh -c 'exit 3'`,
        { value },
      );
      const run = runShell(program, before, sent);
      expect(run.stdout.toString()).toBe(`${marker}\n${value}\0\0über\\n$x\n`);
      expect(run.stderr.toString()).toBe(`${marker}\n`);
      expect(run.status).toBe(3);
    }
  });
});
