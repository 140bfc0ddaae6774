import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { crossCheck, withSecondOpinion } from '../../../src/hcl/judge/cross-check.ts';
import { askHashicorp } from '../../../src/hcl/judge/hashicorp.ts';
import { judge, SecondJudge } from '../../../src/hcl/judge/judge.ts';
import { parseFile } from '../../../src/hcl/syntax/parser.ts';
import { type Found, splitOff } from '../../../tools/build/plugins.ts';
import { project } from '../../../tools/build/project.ts';

// Loading it takes most of a second of its own; on a busy machine the usual five seconds are too few.
const patient = { timeoutMs: 60_000 };
const second = new SecondJudge(patient);
afterAll(() => second[Symbol.asyncDispose]());

describe("HashiCorp's parser, in its thread", () => {
  test('accepts what is valid', async () => {
    expect(await second.judge('a = 1\nb "c" {}\n', 'x.hcl')).toEqual({ verdict: 'accepts' });
  });

  test('objects in its own words, with the range in our terms', async () => {
    expect(await second.judge('é = "日" ]\n', 'x.hcl')).toEqual({
      verdict: 'objects',
      summary: 'Missing newline after argument',
      detail: 'An argument definition must end with a newline.',
      message: 'Missing newline after argument: An argument definition must end with a newline.',
      range: {
        file: 'x.hcl',
        start: { line: 1, column: 9, byte: 11 },
        end: { line: 1, column: 10, byte: 12 },
      },
    });
  });

  test('has no opinion where it fails on something valid', async () => {
    expect(await second.judge('a = { null = 1 }\n', 'x.hcl')).toEqual({
      verdict: 'no_opinion',
      message: 'value is null',
    });
  });

  test('reads brackets as deep as we allow', async () => {
    const text = `a = ${'['.repeat(490)}${']'.repeat(490)}\n`;
    expect(await second.judge(text, 'x.hcl')).toEqual({ verdict: 'accepts' });
  });

  test('answers one after the other, in any order of asking', async () => {
    const texts = ['a = 1\n', 'a = \n', 'b = 2\n', 'b = [\n'];
    const verdicts = await Promise.all(texts.map((text) => second.judge(text, 'x')));
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['accepts', 'objects', 'accepts', 'objects']);
  });

  test('is given up when it takes too long, and asked again in a new thread', async () => {
    await using hasty = new SecondJudge({ timeoutMs: 1 });
    const late = { verdict: 'no_opinion', message: 'it took longer than 0.001 s' };
    expect(await hasty.judge('a = 1\n', 'x')).toEqual(late);
    expect(await hasty.judge('a = 1\n', 'x')).toEqual(late);
  });

  test('that cannot be started has no opinion', async () => {
    const nowhere = pathToFileURL(join(tmpdir(), 'no-such-worker.ts'));
    expect(await judge('a = 1\n', 'x', { ...patient, worker: nowhere })).toMatchObject({
      verdict: 'no_opinion',
    });
  });

  test('leaves the settings of this process alone', async () => {
    const limit = Error.stackTraceLimit;
    askHashicorp('a = 1\n');
    expect(Error.stackTraceLimit).toBe(limit);
    expect(Object.hasOwn(String.fromCharCode, 'apply')).toBe(false);
  });
});

test('the thread runs from a bundle as well, as the program is built', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'deployctl-judge-'));
  try {
    const found: Found = { vendors: new Map(), workers: new Map(), views: new Map() };
    const bundle = (name: string, source: string, plugins: Plugin[]): Promise<unknown> =>
      build({
        entryPoints: { [name.replace(/\.cjs$/, '')]: source },
        absWorkingDir: project.root,
        outdir: folder,
        outExtension: { '.js': '.cjs' },
        bundle: true,
        platform: 'node',
        format: 'cjs',
        plugins,
      });
    await bundle('judge.cjs', join(project.root, 'src/hcl/judge/judge.ts'), [splitOff(found)]);
    for (const [source, target] of [...found.workers]) await bundle(target, source, [splitOff(found)]);
    for (const [source, target] of found.vendors) await bundle(target, source, []);
    const bundled = (await import(pathToFileURL(join(folder, 'judge.cjs')).href)) as { judge: typeof judge };
    expect(await bundled.judge('a = ]\n', 'x', patient)).toMatchObject({
      verdict: 'objects',
      summary: 'Invalid expression',
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

describe('a cross-check', () => {
  const check = (text: string) => crossCheck(parseFile(text, 'x.hcl'), second);

  test.for<readonly [what: string, text: string]>([
    [
      'a file of everything',
      'a = 1\nb "c" d {\n  e = [for x in y : x]\n  f = "a${b}$${c}"\n}\nb "c" "d" {}\n',
    ],
    ['what both object to', 'a = ]\n'],
    ['zeros', 'a = -0\nb = 0.0\n'],
  ])('agrees on %s', async ([, text]) => {
    expect(await check(text)).toEqual({ result: 'agree' });
  });

  test('has no opinion on what hcl2json cannot express', async () => {
    expect(await check('a = 1\na {}\n')).toMatchObject({ result: 'no_opinion' });
  });

  test('says where a tree of ours is another one', async () => {
    const right = parseFile('a {\n  b = [1, 2]\n}\n', 'x.hcl');
    const wrong = parseFile('a {\n  b = [1, 3]\n}\n', 'x.hcl');
    expect(await crossCheck({ ...wrong, source: right.source }, second)).toMatchObject({
      result: 'differ',
      diagnostic: { code: 'hcl-parsers-differ', detail: 'They read a[0].b[1] (3 and 2) differently.' },
    });
  });

  test('says when one of them objects and the other does not', async () => {
    const parsed = parseFile('a = ]\n', 'x.hcl');
    expect(await crossCheck({ ...parsed, diagnostics: [] }, second)).toMatchObject({
      result: 'differ',
      diagnostic: { detail: expect.stringContaining('at line 1: Invalid expression.') },
    });
  });
});

describe('a second opinion on our errors', () => {
  const details = async (text: string) =>
    (await withSecondOpinion(parseFile(text, 'x.hcl'), second)).map(({ detail }) => detail);

  test.for<readonly [what: string, text: string, sentence: string]>([
    ['agrees', 'a = ]\n', "HashiCorp's parser says the same."],
    [
      'has other words',
      'a = [1\nb = 2\n',
      "HashiCorp's parser says, at line 2: Missing item separator. Expected a comma to mark the beginning of the next item.",
    ],
    [
      'accepts',
      `a = ${'('.repeat(520)}1${')'.repeat(520)}\n`,
      "HashiCorp's parser accepts this file: please report the difference.",
    ],
  ])('that %s', async ([, text, sentence]) => {
    const [first] = await details(text);
    expect(first?.split('\n\n').at(-1)).toBe(sentence);
  });

  test('is not asked for without an error', async () => {
    await using nobody = new SecondJudge({ worker: pathToFileURL('/no/such/file'), timeoutMs: 1 });
    expect(await withSecondOpinion(parseFile('a = 1\n', 'x'), nobody)).toEqual([]);
  });
});
