/**
 * What Node starts. It stays small and is built for Node 12: an older Node must get as far as the sentence that
 * tells its user what to do, and `--version` must not wait for the rest of the program.
 */
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCompiled } from './compiled-code.ts';
import { NODE_RANGE, VERSION } from './version.ts';

const [wantedMajor = 0, wantedMinor = 0] = NODE_RANGE.replace('>=', '').split('.').map(Number);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const [, , first] = process.argv;

if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  const fix = existsSync(join(__dirname, '../bin/setup'))
    ? 'run bin/setup, which brings one, and start bin/deployctl'
    : `install Node ${wantedMajor}.${wantedMinor} or newer`;
  process.stderr.write(
    `deployctl: this Node is ${process.version} (${process.execPath}), and ${NODE_RANGE} is needed. Fix: ${fix}.\n`,
  );
  process.exitCode = 1;
} else if (process.argv.length === 3 && (first === '--version' || first === '-v')) {
  process.stdout.write(`deployctl ${VERSION}\n`);
} else {
  const folders = foldersOfCompiledCode();
  // For what Node loads itself: the view of a run.
  const isKept = (folder: string): boolean =>
    nodeModule.enableCompileCache(folder).status !== nodeModule.constants.compileCacheStatus.FAILED;
  folders.some(isKept);
  runCompiled(join(__dirname, 'main.cjs'), {
    folders,
    command: /^[a-z]+$/.test(first ?? '') ? `${first}` : 'other',
    isBundle: (name) => name === './rest.cjs' || name.startsWith('./vendor-'),
  });
}

/**
 * Where compiled code is kept, for a start in half the time. Folders of our own: Node's default is a predictable name
 * in the shared temporary folder, where another user of the machine could have put code.
 */
function foldersOfCompiledCode(): readonly string[] {
  const inUser = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'deployctl', VERSION);
  return [join(__dirname, '.compiled'), inUser];
}
