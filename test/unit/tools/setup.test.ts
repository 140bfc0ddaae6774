/** bin/setup in a clone that has little to be set up: with an npm that only says it was there, and a build of one file. */
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { project } from '../../../tools/build/project.ts';
import { temporaryFolder } from '../../rig/state.ts';

function clone(folder: string): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const path of ['package.json', 'package-lock.json', '.npmrc', 'src/main.ts']) write(path, '{}\n');
  write('npm/npm', '#!/bin/sh\necho "$1" >>npm.log\nmkdir -p node_modules/.bin\n');
  chmodSync(join(folder, 'npm/npm'), 0o755);
  write(
    'tools/build.ts',
    `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
     const out = process.argv[2] ?? '';
     appendFileSync('build.log', 'built\\n');
     mkdirSync(out);
     writeFileSync(out + '/.version', '1.2.3');`,
  );
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(project.root, 'bin/setup'), join(folder, 'bin/setup'));
}

const setUp = (folder: string): Promise<{ readonly code: number | null; readonly said: string }> =>
  new Promise((resolve, reject) => {
    const PATH = [join(folder, 'npm'), dirname(process.execPath), '/usr/bin', '/bin'].join(':');
    const child = spawn('sh', ['bin/setup'], { cwd: folder, env: { PATH, HOME: folder } });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });

test('several at once behind one that was killed: each ends well, and what is to be done is done once', async () => {
  using folder = temporaryFolder();
  clone(folder.path);
  const lock = join(folder.path, '.toolchain/setup.lock');
  mkdirSync(lock, { recursive: true });
  // A number that no process of Linux or macOS can have.
  writeFileSync(join(lock, 'pid'), '99999999\n');
  const ends = await Promise.all(Array.from({ length: 5 }, () => setUp(folder.path)));
  expect(ends.filter(({ code }) => code !== 0)).toEqual([]);
  expect(ends.every(({ said }) => said.includes('setup: ready: bin/deployctl 1.2.3'))).toBe(true);
  const lines = (name: string): string => readFileSync(join(folder.path, name), 'utf8');
  expect([lines('npm.log'), lines('build.log')]).toEqual(['ci\n', 'built\n']);
  expect([existsSync(lock), existsSync(`${lock}.break`)]).toEqual([false, false]);
});
