/**
 * Builds `dist/` (or the folder given): the program as bin/deployctl runs it.
 *
 *   deployctl.cjs        what Node starts: checks its version, answers --version, then loads main.cjs
 *   main.cjs             what nearly every command needs: the language, the planner, how a plan is shown
 *   rest.cjs             everything else, read when some of it is needed: engine, providers, functions, other commands
 *   vendor-<name>.cjs    packages that only some commands need: read from disk when they are first asked for
 *   view-<name>.mjs      Ink and React with the view of a run (ESM, for their top-level await), imported by view-<name>.cjs
 *   worker-<name>.cjs    files that run in threads or processes of their own
 *   oclif.manifest.json  what help and completion say, so that they load no command
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { bundleAll } from './build/bundles.ts';
import { writeManifest } from './build/manifest.ts';
import { project } from './build/project.ts';

const out = resolve(process.argv[2] ?? `${project.root}/dist`);
try {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await bundleAll(out);
  await writeManifest(out);
  await writeFile(`${out}/.version`, `${project.version}\n`);
  await writeFile(`${out}/package.json`, '{ "type": "commonjs" }\n');
} catch (error) {
  // esbuild has told its own errors, with their lines, when it throws.
  const isTold = error instanceof Error && 'errors' in error;
  if (!isTold) console.error(error);
  process.exitCode = 1;
}
