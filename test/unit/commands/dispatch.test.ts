/** The program as it is started, from its sources: what a command line that is wrong gets for an answer. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const main = join(import.meta.dirname, '../../../src/main.ts');

function deployctl(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...argv], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: tmpdir(), ...environment },
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

/** The lines of a frame as one text. */
const said = (stderr: string): string => stderr.replace(/\n│ ?/g, ' ').replace(/\s+/g, ' ');

describe('a command line that is wrong ends with 1, says why and what to do, and prints nothing else', () => {
  test.for([
    [['paln'], 'There is no command "deployctl paln".', 'Did you mean "deployctl plan"?'],
    [['frobnicate'], 'There is no command "deployctl frobnicate".', '"deployctl --help" lists the commands.'],
    [['lab'], '"deployctl lab" needs one more word: lab up, lab down, lab status.', ''],
    [['lab', 'upp'], 'There is no command "deployctl lab upp"', 'Did you mean "deployctl lab up"?'],
    [['version', '--jsn'], '"deployctl version" has no flag --jsn.', 'Did you mean --json?'],
    [['version', '-json'], '"deployctl version" has no flag -json.', 'Flags have two dashes here: --json.'],
    [['version', '-C', 'x'], 'has no flag -C.', 'It stands before the command: "deployctl -C DIR version".'],
    [['version', 'extra'], '"deployctl version" does not take "extra".', '"deployctl version --help"'],
    [['lab', 'up', '--traffic', 'much'], '--traffic must be a whole number', '"deployctl lab up --help"'],
    [
      ['plan', '--refresh-only', '--no-refresh'],
      '--no-refresh and --refresh-only cannot be given together.',
      '',
    ],
    [['graph', '--format', 'png'], '--format is "png", and must be one of dot, svg, mermaid.', ''],
    [['plan', '--parallelism', '0'], '--parallelism must be a whole number from 1 on, and is 0.', ''],
    [['lab', 'up', '--traffic'], '--traffic expects a value', '"deployctl lab up --help"'],
    [['--json', 'version'], '--json is none of these', 'Flags of a command stand behind it'],
    [['-C'], '-C needs the folder to work in.', ''],
    [['-C', '/does/not/exist', 'version'], '-C names /does/not/exist', ''],
    [['help', 'paln'], 'There is no command "deployctl paln".', ''],
  ] as const)('%j', ([argv, detail, hint]) => {
    const { status, stdout, stderr } = deployctl(argv);
    expect(said(stderr)).toContain(detail);
    expect(said(stderr)).toContain(hint);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });
});

describe('what stands around a command', () => {
  test('the arguments of the environment count, and a typed flag is behind them', () => {
    const { status, stdout } = deployctl(['version'], { DEPLOYCTL_CLI_ARGS_version: '--json' });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ format_version: '1.0', node: process.version });
  });

  test('-C works in another folder, however it is written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'chdir-'));
    try {
      for (const argv of [['-C', folder], ['--chdir', folder], [`--chdir=${folder}`]]) {
        const { stdout } = deployctl([...argv, 'lab', 'status', '--json']);
        expect(JSON.parse(stdout)).toMatchObject({ folder: join(folder, '.deployctl/lab'), up: false });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('--no-color also before the command, and -v for the version', () => {
    expect(deployctl(['--no-color', 'version']).stdout).toMatch(/^deployctl \d/);
    expect(deployctl(['--no-input', '-v']).stdout).toMatch(/^deployctl \d/);
  });

  test('colours are drawn where they are forced', () => {
    expect(deployctl(['nonsense'], { FORCE_COLOR: '1' }).stderr).toContain('\u001b[');
    expect(deployctl(['nonsense', '--no-color'], { FORCE_COLOR: '1' }).stderr).not.toContain('\u001b[');
  });

  test.skipIf(!existsSync('/dev/full'))(
    'output that a full disk refuses ends nothing, and is no success',
    () => {
      const full = openSync('/dev/full', 'w');
      const { status, stderr } = spawnSync(process.execPath, [main, 'version'], {
        encoding: 'utf8',
        stdio: ['ignore', full, 'pipe'],
        timeout: 30_000,
      });
      closeSync(full);
      expect(stderr).toMatch(/^deployctl: standard output cannot be written, .*ENOSPC.*\n$/);
      expect(status).toBe(1);
    },
  );

  test('a log for whoever looks for a fault, only on standard error', () => {
    const { stdout, stderr } = deployctl(['version', '--json'], { DEPLOYCTL_LOG: 'debug' });
    expect(stderr).toMatch(/\[DEBUG\] deployctl version: \["--json"\]/);
    expect(JSON.parse(stdout)).toMatchObject({ format_version: '1.0' });
  });
});
