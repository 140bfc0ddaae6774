import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FolderFiles } from '../../../src/hcl/eval/folder-files.ts';
import { systemReason } from '../../../src/model/index.ts';
import { errorsOf, scopeWith, shown } from './evaluating.ts';

const base = mkdtempSync(join(tmpdir(), 'deployctl-files-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const folder = join(base, 'prod');
const modules = join(base, 'modules');
mkdirSync(join(folder, 'sub'), { recursive: true });
mkdirSync(modules);
writeFileSync(join(base, 'outside.txt'), 'secret');
writeFileSync(join(folder, 'inside.txt'), 'inside');
writeFileSync(join(folder, 'sub', 'deep.txt'), 'deep');
writeFileSync(join(modules, 'shared.txt'), 'shared');
symlinkSync(join(base, 'outside.txt'), join(folder, 'link-out.txt'));
symlinkSync(join(folder, 'inside.txt'), join(folder, 'link-in.txt'));
symlinkSync(base, join(folder, 'link-folder'));
symlinkSync(folder, join(folder, 'sub', 'loop'));
symlinkSync('circle', join(folder, 'circle'));

const files = new FolderFiles(folder, join(base, 'home'));
files.include(modules);
const scope = scopeWith({}, { files });

describe('files of the folder are read', () => {
  test.for([
    ['file("inside.txt")', '"inside"'],
    ['file("sub/../inside.txt")', '"inside"'],
    ['file("./sub/deep.txt")', '"deep"'],
    ['file("link-in.txt")', '"inside"'],
    [`file("${folder}/inside.txt")`, '"inside"'],
    [`file("${modules}/shared.txt")`, '"shared"'],
    ['file("../modules/shared.txt")', '"shared"'],
    ['fileexists("inside.txt")', 'true'],
    ['fileexists("nothing.txt")', 'false'],
    ['sort(fileset(".", "**/*.txt"))', 'tolist([\n  "inside.txt",\n  "link-in.txt",\n  "sub/deep.txt",\n])'],
    ['pathexpand("~/x")', `"${base}/home/x"`],
    ['abspath("x")', `"${folder}/x"`],
  ] as const)('%s', ([expr, value]) => {
    expect(shown(expr, scope)).toBe(value);
  });
});

test('why a file cannot be read is told in words', () => {
  const told = new FolderFiles(folder, base, systemReason);
  expect(errorsOf('file("circle")', scopeWith({}, { files: told }))).toEqual([
    'Invalid function argument: Invalid value for "path" parameter: failed to read file: "circle": its symbolic links lead in a circle.',
  ]);
});

describe('nothing else is', () => {
  test.for([
    'file("../outside.txt")',
    'file("sub/../../outside.txt")',
    `file("${base}/outside.txt")`,
    'file("/etc/passwd")',
    'file("~/x")',
    'file("link-out.txt")',
    'file("link-folder/outside.txt")',
    'filebase64("../outside.txt")',
    'filesha256("../outside.txt")',
    'templatefile("../outside.txt", {})',
    'fileexists("../outside.txt")',
    'fileexists("link-out.txt")',
    'file("a\\u0000b")',
  ])('%s', (expr) => {
    const errors = errorsOf(expr, scope);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/is outside of the environment's folder|is not a path/);
    expect(errors[0]).not.toContain('secret');
  });

  test.for([
    'fileset("..", "*")',
    'fileset("link-folder", "*")',
    'fileset(".", "../*")',
    'fileset("/etc", "*")',
  ])('%s is empty', (expr) => {
    expect(shown(expr, scope)).toBe('toset([])');
  });

  test('also without the port', () => {
    expect(errorsOf('file("inside.txt")')).toEqual([
      'Error in function call: Call to function "file" failed: files cannot be read here.',
    ]);
  });
});

test('a path that is sensitive is not shown', () => {
  const [error] = errorsOf('file(sensitive("hidden-name.txt"))', scope);
  expect(error).not.toContain('hidden-name');
});

describe('patterns', () => {
  test.for([
    ['*.txt', ['inside.txt', 'link-in.txt']],
    ['in?ide.txt', ['inside.txt']],
    ['[a-k]*.txt', ['inside.txt']],
    ['[^i]*.txt', ['link-in.txt']],
    ['{inside,nothing}.txt', ['inside.txt']],
    ['sub/*.txt', ['sub/deep.txt']],
    ['**', ['inside.txt', 'link-in.txt', 'sub/deep.txt']],
    ['s*/{a,d}*', ['sub/deep.txt']],
  ] as const)('%s', ([pattern, found]) => {
    const files = new FolderFiles(folder);
    expect([...files.glob('.', pattern)].sort()).toEqual(found);
  });

  test('a pattern that is not closed is refused', () => {
    expect(errorsOf('fileset(".", "[a")', scope)[0]).toContain('syntax error in pattern');
    expect(errorsOf('fileset(".", "{a")', scope)[0]).toContain('syntax error in pattern');
  });
});
