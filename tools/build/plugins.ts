import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { project } from './project.ts';

/** What became files of their own while bundling: source (a path or a package's name) to file name in dist/. */
export interface Found {
  readonly vendors: Map<string, string>;
  readonly workers: Map<string, string>;
  readonly views: Map<string, string>;
}

/** Packages that cost milliseconds to read and that only some commands need. */
const heavy = /^(ssh2|zod|dns-packet|tar-stream|hcl2-parser)$/;

/** What oclif has for commands found in folders, templates of generators and spinners: none of our starts reads them. */
const unused = /^(minimatch|tinyglobby|ejs|cli-spinners|lilconfig)$/;

/** Packages of one function that take long to set up (string-width: 40 ms for its tables), and are seldom called. */
const slow = /^string-width$/;

/** `new URL('./worker.ts', import.meta.url)`: a file that a thread or a process of its own will run. */
const ownFile = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+\.ts)\1,\s*import\.meta\.url,?\s*\)/g;

/** What gives an ES module a `require`: a bundle has one, and esbuild sees what that one asks for. */
const ownRequire = /^\s*const require = createRequire\(import\.meta\.url\);$/gm;

/**
 * Splits off what must not be read at every start, by what the sources already say and nothing else:
 * a heavy package; `import('./view.tsx')` (React, which needs an ES module); `new URL('./worker.ts', import.meta.url)`.
 */
export const splitOff = (found: Found): Plugin => ({
  name: 'split-off',
  setup(build) {
    // What is cut into parts is CommonJS when they are joined (parts.ts).
    const isModule = build.initialOptions.format === 'esm' && build.initialOptions.splitting !== true;
    build.onResolve(
      { filter: new RegExp(`${heavy.source}|${unused.source}`) },
      ({ path, kind, importer }) => {
        if (importer === '') return undefined; // the vendor bundle itself
        const target = `./vendor-${path}.cjs`;
        found.vendors.set(path, target);
        if (kind === 'dynamic-import') return { path, namespace: 'at-import' };
        return { path: target, external: true };
      },
    );
    build.onResolve({ filter: slow }, ({ path, importer }) => {
      // Packages that want another version of it (oclif's are of 2019) keep their own.
      if (importer === '' || importer.includes('/node_modules/')) return undefined;
      found.vendors.set(path, `./vendor-${path}.cjs`);
      return { path, namespace: 'at-first-call' };
    });
    build.onLoad({ filter: /.*/, namespace: 'at-first-call' }, ({ path }) => ({
      contents: `let own;
        export default (...given) => (own ??= require('./vendor-${path}.cjs').default)(...given);`,
      resolveDir: project.root,
    }));
    build.onLoad({ filter: /.*/, namespace: 'at-import' }, ({ path }) => ({
      contents: `module.exports = require('./vendor-${path}.cjs');`,
      resolveDir: project.root,
    }));
    build.onResolve({ filter: /^\.\/vendor-/ }, ({ path }) => ({ path, external: true }));
    build.onResolve({ filter: /\.tsx$/ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const source = resolve(resolveDir, path);
      const target = `./view-${flatName(source)}.mjs`;
      found.views.set(source, target);
      return { path: target, external: true };
    });
    build.onLoad({ filter: /[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta')) return undefined;
      const contents = text.replace(ownRequire, '').replace(ownFile, (_, _quote: string, file: string) => {
        const source = resolve(dirname(path), file);
        const target = `./worker-${flatName(source)}.cjs`;
        found.workers.set(source, target);
        return isModule
          ? `new URL('${target}', import.meta.url)`
          : `require('node:url').pathToFileURL(require('node:path').join(__dirname, '${target}'))`;
      });
      if (
        contents.replace(/^\s*(\*|\/\/|\/\*).*$/gm, '').includes('import.meta') &&
        !path.endsWith('/src/program.ts')
      ) {
        return {
          errors: [
            { text: `${path} asks for its own place (import.meta): src/program.ts knows where things are` },
          ],
        };
      }
      return { contents, loader: 'ts' };
    });
  },
});

/** A source's name in the one folder dist/: `src/hcl/judge/worker.ts` is `hcl-judge-worker`. */
const flatName = (source: string): string =>
  relative(resolve(project.root, 'src'), source)
    .replace(/\.tsx?$/, '')
    .replaceAll(/[\\/]/g, '-');

/**
 * What packages ask for "if it is there": ssh2's native code (a build for each Node; its pure JavaScript is fast
 * enough, and the same everywhere) and React's developer tools. And ssh2's agents for HTTP, which nobody here uses: they
 * alone have it load HTTP and TLS, 15 ms of CPU.
 */
export const leaveOut: Plugin = {
  name: 'leave-out',
  setup(build) {
    build.onResolve({ filter: /^cpu-features$|\.node$/ }, ({ path }) => ({ path, namespace: 'absent' }));
    build.onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not part of this build`)});`,
    }));
    build.onResolve({ filter: /^react-devtools-core$|^\.\/http-agents\.js$/ }, ({ path }) => ({
      path,
      namespace: 'empty',
    }));
    build.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export default {};' }));
  },
};

/**
 * oclif requires all of itself at once: loaders, templates, a glob library, for a command that only parses its flags.
 * Its compiled files have one shape (`const name_1 = require("x")`, used as `name_1.y`), so each require is put off
 * until a property of it is first asked for.
 */
export const putOffRequires: Plugin = {
  name: 'put-off-requires',
  setup(build) {
    build.onLoad({ filter: /@oclif[/\\]core[/\\]lib[/\\].*\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const declared = text.replace(requireLine, (_, name: string, value: string) => {
        return `const ${name} = __putOff(() => ${value});`;
      });
      return { contents: declared === text ? text : `${putOff}\n${declared}`, loader: 'js' };
    });
  },
};

const requireLine = /^const (\w+_\d+) = ((?:__import(?:Default|Star)\()?require\("[^"]+"\)\)?);$/gm;
const putOff = `const __putOff = (load) => {
  let value;
  return new Proxy({}, { get: (_, name) => (value ??= load())[name] });
};`;

/**
 * What takes a millisecond or more to load (Node's own modules together 40 ms, packages of `heavy`), put off until a
 * property of it is first asked for: a plan that reaches no host over the network needs neither TLS nor threads.
 */
export const putOffLoading = (bundle: string): string => {
  const deferred = bundle.replace(
    slowRequire,
    (_, name: string, value: string) => `${name}=__putOff(()=>${value})`,
  );
  return deferred === bundle ? bundle : deferred.replace(/^("use strict";)?/, (head) => `${head}${putOff}\n`);
};

const slowRequire =
  /\b(import_\w+)=\s*((?:__toESM\()?require\(\s*"(?:node:(?:child_process|crypto|dgram|fs\/promises|http|https|net|readline|sqlite|stream|stream\/consumers|timers\/promises|tls|tty|worker_threads|zlib)|\.\/vendor-[\w-]+\.cjs)"\s*\)(?:,\s*1\))?)/g;
