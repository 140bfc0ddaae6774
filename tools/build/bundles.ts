/** The bundles of dist/ and how they find each other. */
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { bundleInParts } from './parts.ts';
import { type Found, leaveOut, putOffLoading, putOffRequires, splitOff } from './plugins.ts';
import { project } from './project.ts';

const common = {
  absWorkingDir: project.root,
  bundle: true,
  platform: 'node',
  // Names stay readable: a stack trace in a report of a bug is worth more than the bytes. Blanks go: 10 ms of a start
  // are reading the program; a line ends after some statements, so that a trace can be read beside the file.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 200,
  legalComments: 'none',
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"', 'import.meta.dirname': '__dirname' },
} satisfies BuildOptions;

/** A `require` for the packages in an ES module bundle that are CommonJS and ask for Node's own modules. */
const requireInModule = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

/** Bundles everything into `out`. Throws where a file does not build, and for warnings: they are traps at run time. */
export async function bundleAll(out: string): Promise<void> {
  const found: Found = { vendors: new Map(), workers: new Map(), views: new Map() };
  await bundle({
    entryPoints: { deployctl: `${project.root}/src/entry.ts` },
    outdir: out,
    format: 'cjs',
    // Only what an old Node understands: this file is there to tell its user that it is too old.
    target: 'node12',
  });
  await bundleInParts(
    { ...common, target: 'node24', outdir: out, plugins: [splitOff(found), putOffRequires, leaveOut] },
    (text) => plainAscii(putOffLoading(viewsByRequire(text))),
  );
  // A worker may ask for packages, and for further workers, that nothing else did: until nothing new is found.
  const built = new Set<string>();
  for (;;) {
    const worker = [...found.workers].find(([file]) => !built.has(file));
    const view = [...found.views].find(([file]) => !built.has(file));
    const vendor = [...found.vendors].find(([name]) => !built.has(name));
    const next = worker ?? view ?? vendor;
    if (next === undefined) return;
    const [source, target] = next;
    built.add(source);
    await bundle({
      entryPoints: { [basename(target).replace(/\.[cm]js$/, '')]: source },
      outdir: out,
      format: view === next ? 'esm' : 'cjs',
      plugins: next === vendor ? [] : [splitOff(found)],
      ...(view === next ? { banner: { js: requireInModule } } : {}),
    });
    if (view === next) {
      await writeFile(
        `${out}/${basename(target).replace('.mjs', '.cjs')}`,
        `module.exports = import('${target}');\n`,
      );
    }
  }
}

async function bundle(options: BuildOptions): Promise<void> {
  const { warnings, outputFiles } = await build({
    ...common,
    target: 'node24',
    outExtension: { '.js': options.format === 'esm' ? '.mjs' : '.cjs' },
    ...options,
    plugins: [...(options.plugins ?? []), leaveOut],
    write: false,
  });
  for (const { path, text } of outputFiles) {
    await writeFile(path, plainAscii(putOffLoading(options.format === 'cjs' ? viewsByRequire(text) : text)));
  }
  if (warnings.length > 0)
    throw new Error('the build warns (see above), and what it warns of breaks when it runs');
}

/** A view is imported by a file of its own: `import()` is not for code that is run as src/compiled-code.ts does. */
const viewsByRequire = (text: string): string =>
  text.replaceAll(/\bimport\("(\.\/view-[\w-]+)\.mjs"\)/g, 'require("$1.cjs")');

/**
 * Escapes what esbuild leaves of other characters, which is in regular expressions only: the program reads itself one
 * byte a character. Throws where an escape would change the meaning.
 */
function plainAscii(text: string): string {
  return text.replaceAll(/(\\?)([^\0-\x7f])/g, (_, before: string, other: string) => {
    if (before !== '') throw new Error(`the build cannot escape ${other} after a backslash`);
    return `\\u${other.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
