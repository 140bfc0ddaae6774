/** Files that deployctl writes over: what is in them when the disk has no room for what is to come. */
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeFormatted } from '../../../src/app/format.ts';
import { writeWhole } from '../../../src/app/whole-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whole-'));
  path = join(folder, 'main.hcl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a file is replaced with the mode that is asked for, and nothing is left beside it', () => {
  writeFileSync(path, 'old');
  writeWhole(path, 'new', 0o640);
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder)).toEqual(['main.hcl']);
});

test('where only a part finds room, the old content stands and the failure is told', () => {
  writeFileSync(path, 'old');
  const module = new URL('../../../src/app/whole-file.ts', import.meta.url).href;
  const program = `import(${JSON.stringify(module)}).then(({ writeWhole }) => {
    try { writeWhole(${JSON.stringify(path)}, 'x'.repeat(1_000_000), 0o600); console.log('written'); }
    catch (error) { console.log(error.code); }
  });`;
  // A limit of the file's size cuts a write short as a full disk does: the part that fits, and no error for it.
  const limited = 'ulimit -f 64; exec "$0" -e "$1"';
  const said = execFileSync('sh', ['-c', limited, process.execPath, program], { encoding: 'utf8' });
  expect(said).toBe('EFBIG\n');
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(folder)).toEqual(['main.hcl']);
});

test('formatting through a link rewrites the file that it leads to', () => {
  const shared = join(folder, 'shared.hcl');
  writeFileSync(shared, 'a=1\n', { mode: 0o644 });
  symlinkSync('shared.hcl', path);
  writeFormatted({ path: 'main.hcl', before: 'a=1\n', after: 'a = 1\n' }, folder);
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(readFileSync(shared, 'utf8')).toBe('a = 1\n');
});
