/**
 * Runs a bundle with the code that V8 made of it the last time. Node's own compile cache keeps what V8 compiles when a
 * file is loaded; in a bundle nearly all is in functions that are compiled when they are first called, so nearly all
 * would be compiled again at each start. What is kept here is taken at the end of a run: `plan` of an empty
 * environment takes 54 ms this way instead of 106.
 *
 * Only for speed: a kept file that is missing, stale, foreign or not writable changes nothing else.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** A run that was shorter than this is not asked whether it compiled more: asking takes 5 ms. */
const longRunMs = 200;
/** How much more code a run must have compiled before it is kept instead of what there is. */
const worthKeeping = 1.1;

interface Kept {
  readonly code: Buffer;
  /** Bytes of all functions that were compiled when it was kept. */
  readonly functionBytes: number;
}

/** One file that was run, and where its code will be kept. */
interface Ran {
  readonly name: string;
  readonly stamp: readonly number[];
  readonly script: Script;
  /** Undefined: there was none that V8 takes. */
  readonly kept: Kept | undefined;
}

/**
 * Runs `bundle` as `require` would, and so the bundles that it requires by the names `isBundle` knows, in its folder.
 * They are CommonJS, plain ASCII, and without `import()`. `command` names what of them this run will need: a file is
 * kept for each, in the first of `folders` that can be written to.
 */
export function runCompiled(
  bundle: string,
  options: {
    readonly folders: readonly string[];
    readonly command: string;
    readonly isBundle: (name: string) => boolean;
  },
): void {
  const { folders, isBundle } = options;
  const all: Ran[] = [];
  process.on('exit', (code) => {
    // What ended in an error knows little of what its command needs.
    if (code !== 1) keepAll(all, folders);
  });
  const requireOf = createRequire(bundle);
  const exportsOf = new Map<string, unknown>();
  // V8 takes only what was compiled under the same options.
  const run = [options.command, ...process.execArgv]
    .join(' ')
    .replaceAll(/[^\w=.-]+/g, '_')
    .slice(0, 100);

  const load = (path: string): unknown => {
    if (exportsOf.has(path)) return exportsOf.get(path);
    const { source, stamp } = readWrapped(path);
    const name = `${basename(path, '.cjs')} ${run}`;
    const kept = firstOf(folders, (folder) => readKept(join(folder, name), stamp));
    const script = new Script(source, {
      filename: path,
      columnOffset: -head.length,
      cachedData: kept?.code,
    });
    all.push({ name, stamp, script, kept: script.cachedDataRejected === false ? kept : undefined });
    const module = { exports: {} };
    exportsOf.set(path, module.exports);
    script.runInThisContext().call(module.exports, module.exports, requireFrom, module, path, dirname(path));
    exportsOf.set(path, module.exports);
    return module.exports;
  };
  const requireFrom = (name: string): unknown =>
    isBundle(name) ? load(join(dirname(bundle), name)) : requireOf(name);
  load(bundle);
}

const head = '(function (exports, require, module, __filename, __dirname) {';
const tail = '\n})';

/** The file as the function that it is the body of. Put together as bytes: of a text of 2 MB there is one copy, not three. */
function readWrapped(path: string): { readonly source: string; readonly stamp: readonly number[] } {
  const file = openSync(path, 'r');
  try {
    const { size, mtimeMs } = fstatSync(file);
    const bytes = Buffer.allocUnsafeSlow(head.length + size + tail.length);
    bytes.write(head, 0, 'latin1');
    readInto(bytes.subarray(head.length, head.length + size), file);
    bytes.write(tail, head.length + size, 'latin1');
    // One byte a character, so that V8 takes it as it is; the build sees to it that this is true.
    return { source: bytes.toString('latin1'), stamp: [size, mtimeMs] };
  } finally {
    closeSync(file);
  }
}

function keepAll(all: readonly Ran[], folders: readonly string[]): void {
  const isNew = ({ kept }: Ran): boolean => kept === undefined;
  if (!all.some(isNew) && process.uptime() * 1_000 < longRunMs) return;
  const functionBytes = bytesOfFunctions();
  const hasGrown = all.every(({ kept }) => functionBytes > (kept?.functionBytes ?? 0) * worthKeeping);
  for (const each of hasGrown ? all : all.filter(isNew)) {
    firstOf(folders, (folder) => keep(folder, each.name, [...each.stamp, functionBytes], each.script));
  }
}

function firstOf<T>(folders: readonly string[], take: (folder: string) => T | undefined): T | undefined {
  for (const folder of folders) {
    const taken = take(folder);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

function readInto(bytes: Buffer, file: number): void {
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, null);
    if (read === 0) throw new Error('it became shorter while it was read');
    at += read;
  }
}

/** The numbers before the code: size and time of the bundle, bytes of functions. V8 wants its code at a multiple of 8. */
const headBytes = 24;

/** Code is run as it is read: it must belong to who runs it, or to root, and nobody else may have written to it. */
function readKept(path: string, stamp: readonly number[]): Kept | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { uid, mode, size } = fstatSync(file);
    const isOurs = uid === 0 || uid === process.geteuid?.();
    if (!isOurs || (mode & 0o022) !== 0 || size <= headBytes) return undefined;
    const bytes = Buffer.allocUnsafeSlow(size);
    readInto(bytes, file);
    if (stamp.some((number, at) => bytes.readDoubleLE(at * 8) !== number)) return undefined;
    return { code: bytes.subarray(headBytes), functionBytes: bytes.readDoubleLE(16) };
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** True if it was kept. Written whole and made durable under another name first: V8 does not check what it runs. */
function keep(folder: string, name: string, numbers: readonly number[], script: Script): true | undefined {
  const path = join(folder, name);
  const next = `${path}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = openSync(next, 'wx', 0o600);
    try {
      const head = Buffer.alloc(headBytes);
      for (const [at, number] of numbers.entries()) head.writeDoubleLE(number, at * 8);
      writeFileSync(file, Buffer.concat([head, script.createCachedData()]));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, path);
    return true;
  } catch {
    removeIfThere(next);
    return undefined;
  }
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder is not even a folder: nothing was written.
  }
}

/** Of all functions that are compiled now, whether from what was kept or in this run. */
const bytesOfFunctions = (): number =>
  process.getBuiltinModule('node:v8').getHeapCodeStatistics().bytecode_and_metadata_size;
