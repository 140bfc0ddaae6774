import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const source = JSON.stringify(new URL('../../src/compiled-code.ts', import.meta.url).href);
let folder: string;
let bundle: string;
let kept: string;

const run = (folders: readonly string[] = [kept]): string =>
  execFileSync(
    process.execPath,
    [
      '--no-warnings',
      '--input-type=module',
      '-e',
      `import { runCompiled } from ${source};
       const isBundle = (name) => name.startsWith('./vendor-');
       runCompiled(${JSON.stringify(bundle)}, { folders: ${JSON.stringify(folders)}, command: 'plan', isBundle });`,
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
const keptFile = (): string => {
  const [name = 'nothing was kept', ...more] = readdirSync(kept);
  expect(more).toEqual([]);
  return join(kept, name);
};
/** The same file again: neither written anew nor another one in its place. */
const identity = () => {
  const { ino, mtimeMs } = statSync(keptFile());
  return { ino, mtimeMs };
};
const say = (text: string): string =>
  `const { basename } = require('node:path');\nfunction late() { return '${text} ' + basename(__filename); }\nconsole.log(late());`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deployctl-test-'));
  bundle = join(folder, 'main.cjs');
  kept = join(folder, 'kept');
  writeFileSync(bundle, say('one'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('code that is kept from one run to the next', () => {
  it('is written by the first run for its owner alone, and used by the second', () => {
    expect(run()).toBe('one main.cjs\n');
    expect(statSync(kept).mode & 0o777).toBe(0o700);
    expect(statSync(keptFile()).mode & 0o777).toBe(0o600);
    const first = identity();
    expect(run()).toBe('one main.cjs\n');
    expect(identity()).toEqual(first);
  });

  it('is not used for another bundle of the same length', () => {
    run();
    writeFileSync(bundle, say('two'));
    utimesSync(bundle, 1_000_000_000, 1_000_000_000);
    expect(run()).toBe('two main.cjs\n');
    writeFileSync(bundle, say('six'));
    utimesSync(bundle, 1_000_000_001, 1_000_000_001);
    expect(run()).toBe('six main.cjs\n');
  });

  it('is not used where others could have written to it, and is replaced', () => {
    run();
    chmodSync(keptFile(), 0o622);
    expect(run()).toBe('one main.cjs\n');
    expect(statSync(keptFile()).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
    ['of another V8', (whole: Buffer) => Buffer.concat([whole.subarray(0, 24), Buffer.alloc(200, 7)])],
  ])('does no harm when it is %s, and is replaced', (_, spoil) => {
    run();
    const whole = readFileSync(keptFile());
    writeFileSync(keptFile(), spoil(whole));
    expect(run()).toBe('one main.cjs\n');
    expect(readFileSync(keptFile()).length).toBeGreaterThan(whole.length * 0.9);
  });

  it('goes into the first folder that can be written to, and nowhere when there is none', () => {
    writeFileSync(join(folder, 'a-file'), '');
    const barred = join(folder, 'a-file', 'below');
    expect(run([barred, kept])).toBe('one main.cjs\n');
    keptFile();
    rmSync(kept, { recursive: true });
    expect(run([barred])).toBe('one main.cjs\n');
  });

  it('is not kept from a run that failed', () => {
    writeFileSync(bundle, 'process.exitCode = 1;');
    mkdirSync(kept);
    expect(() => run()).toThrow();
    expect(readdirSync(kept)).toEqual([]);
  });

  it('leaves lines and columns of a trace as they are in the file', () => {
    writeFileSync(
      bundle,
      "const fail = () => { throw new Error('x'); };\ntry { fail(); } catch (e) { console.log(e.stack); }",
    );
    for (const _ of [1, 2]) expect(run()).toMatch(/main\.cjs:1:28\)\n.*main\.cjs:2:7/);
  });

  it('is kept for each bundle that was loaded, which is run once', () => {
    writeFileSync(
      join(folder, 'vendor-a.cjs'),
      'exports.early = 1;\nexports.add = (by) => (exports.early += by);',
    );
    writeFileSync(
      bundle,
      "require('./vendor-a.cjs').add(1);\nconsole.log(require('./vendor-a.cjs').early, require('node:path').sep);",
    );
    for (const _ of [1, 2]) expect(run()).toBe('2 /\n');
    const names = readdirSync(kept).map((name) => name.split('_')[0]);
    expect(names.toSorted()).toEqual(['main plan', 'vendor-a plan']);
  });
});
