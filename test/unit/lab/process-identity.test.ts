import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { supervised } from '../../../src/lab/hosts/supervised.ts';
import {
  end,
  identify,
  isAlive,
  type ProcessIdentity,
  processesMarked,
  processesWithin,
} from '../../../src/lab/process-identity.ts';

const started: ChildProcess[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A process that sleeps, as soon as it does what `script` says. */
const sleeper = async (
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessIdentity> => {
  const child = spawn('sh', ['-c', `${script}\necho ready; while :; do sleep 0.1; done`], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  started.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('it did not start');
  return identity;
};

test('a process is known by its number and its start: another start is another process', async () => {
  const identity = await sleeper('');
  expect(isAlive(identity)).toBe(true);
  expect(isAlive({ ...identity, started: `${identity.started}1` })).toBe(false);
});

test('it is ended politely', async () => {
  const identity = await sleeper('trap "exit 0" TERM');
  await end(identity, 5_000);
  expect(isAlive(identity)).toBe(false);
});

test('one that does not listen is killed', async () => {
  const identity = await sleeper('trap "" TERM');
  await end(identity, 200);
  expect(isAlive(identity)).toBe(false);
});

test('one that only has the number of another is left alone', async () => {
  const identity = await sleeper('');
  await end({ pid: identity.pid, started: 'at another time' }, 100);
  expect(isAlive(identity)).toBe(true);
});

test('processes are found by the mark that they hand on, and only by the whole of it', async () => {
  const mark = `mark-${process.pid}`;
  const mine = await sleeper('', { DEPLOYCTL_TEST_MARK: mark });
  await sleeper('', { DEPLOYCTL_TEST_MARK: `${mark}-other` });
  const found = processesMarked('DEPLOYCTL_TEST_MARK', new Set([mark]));
  expect(found).toContainEqual(mine);
  expect(found.filter(({ pid }) => started.some((child) => child.pid === pid))).toHaveLength(1);
});

test.runIf(process.platform === 'linux')('processes are found by the folder in which they work', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'within-')));
  folders.push(folder);
  mkdirSync(join(folder, 'web-1/srv'), { recursive: true });
  mkdirSync(join(folder, 'web-10'));
  const mine = await sleeper(`cd ${folder}/web-1/srv`);
  const other = await sleeper(`cd ${folder}/web-10`);
  const found = processesWithin([join(folder, 'web-1'), join(folder, 'web-2')]);
  expect(found).toContainEqual(mine);
  expect(found).not.toContainEqual(other);
});

test('what a supervisor keeps running is found by its file, and a number that was given anew is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'supervised-'));
  folders.push(folder);
  const identity = await sleeper('');
  for (const [unit, text] of [
    ['shop-blue', `${identity.pid} ${identity.started} boot\n`],
    ['shop-green', `${identity.pid} 1 boot\n`],
    ['broken', 'nonsense\n'],
  ] as const) {
    mkdirSync(join(folder, 'srv/shop/.deployctl', unit), { recursive: true });
    writeFileSync(join(folder, 'srv/shop/.deployctl', unit, 'pid'), text);
  }
  expect(supervised(folder)).toEqual([{ ...identity, leads: true }]);
  expect(supervised(join(folder, 'nothing'))).toEqual([]);
});
