/** The program in parts runs as it does whole; what the joining of parts does not know is refused, and not built wrong. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundleInParts } from '../../../tools/build/parts.ts';
import { temporaryFolder } from '../../rig/state.ts';

type Files = Readonly<Record<string, string>>;

/** A program as small as it may be: `main` does at once what it says, and has a command that is loaded later. */
const program: Files = {
  'src/main.ts': `
    import { readFileSync as read } from 'node:fs';
    import { word } from './word.ts';
    async function main() {
      const { plan } = await import('./commands/plan.ts');
      console.log(word, plan(), typeof read);
      if (process.argv[2] === 'more') console.log((await import('./commands/show.ts')).default());
    }
    void main();
  `,
  'src/word.ts': `export const word = 'shared'; export function twice(text: string) { return text + text; }`,
  'src/commands/plan.ts': `import { twice } from '../word.ts'; export const plan = () => twice('plan');`,
  'src/commands/show.ts': `import { word } from '../word.ts'; export default () => 'show ' + word;`,
};

async function build(folder: { readonly path: string }, files: Files): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  }
  const outdir = join(folder.path, 'dist');
  mkdirSync(outdir);
  await bundleInParts(
    {
      absWorkingDir: folder.path,
      outdir,
      bundle: true,
      platform: 'node',
      target: 'node24',
      minifySyntax: true,
      minifyWhitespace: true,
      logLevel: 'silent',
    },
    (text) => text,
  );
  return outdir;
}

const run = (outdir: string, ...argv: readonly string[]): string =>
  execFileSync(process.execPath, [join(outdir, 'main.cjs'), ...argv], { encoding: 'utf8' });

test('what runs at once is in main.cjs, and rest.cjs is read when something of it is asked for', async () => {
  using folder = temporaryFolder();
  const outdir = await build(folder, program);
  expect(run(outdir)).toBe('shared planplan function\n');
  expect(run(outdir, 'more')).toBe('shared planplan function\nshow shared\n');
  expect(readFileSync(join(outdir, 'rest.cjs'), 'utf8')).toContain('show ');
  renameSync(join(outdir, 'rest.cjs'), join(outdir, 'away.cjs'));
  expect(run(outdir)).toBe('shared planplan function\n');
});

describe('refused is', () => {
  const pack = { name: 'a-package', version: '1.0.0' };
  test.for<readonly [string, Files, string]>([
    [
      'a variable that is exported: parts would keep the value that it had when they began',
      {
        'src/word.ts': `export let word = 'shared'; export function twice(text: string) { word = text; return text; }`,
      },
      'src/word.ts exports a variable, which may change',
    ],
    [
      'a module that the sources import and a package requires, which runs it late',
      {
        'src/word.ts': `import late from 'late'; import own from 'own'; export const word = late + own; export const twice = (text: string) => text;`,
        'node_modules/own/package.json': JSON.stringify({ ...pack, main: 'index.js' }),
        'node_modules/own/index.js': `module.exports = require('late').default;`,
        'node_modules/late/package.json': JSON.stringify({ ...pack, type: 'module', main: 'index.js' }),
        'node_modules/late/index.js': `export default 'late';`,
      },
      'node_modules/late/index.js is imported here and required elsewhere',
    ],
    [
      'a command that must be there at once and is no part of its own',
      {
        'src/main.ts': `import { plan } from './commands/plan.ts'; void import('./commands/show.ts').then((late) => console.log(plan(), late.default()));`,
      },
      'not all of src/main.ts, src/commands/plan.ts is a part of its own',
    ],
    [
      'a part that hands on whatever another module has',
      { 'src/commands/show.ts': `export * from 'node:os'; export default () => 'show';` },
      'this part imports or exports in a way that is not known here',
    ],
    [
      'what the compiler warns of',
      { 'src/commands/show.ts': `export default (value: unknown) => value === NaN;` },
      'the build warns',
    ],
  ])('%s', async ([, files, why]) => {
    using folder = temporaryFolder();
    await expect(build(folder, { ...program, ...files })).rejects.toThrow(why);
  });
});
