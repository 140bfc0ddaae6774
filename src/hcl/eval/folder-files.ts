import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { parseGlob } from './glob.ts';
import { FileFailure, type FileReader } from './ports.ts';
import { quote } from './quote.ts';

/** The largest file that an expression may read. */
const MAX_BYTES = 64 * 1024 * 1024;
/** The most entries that a glob may look at. */
const MAX_ENTRIES = 100_000;

const codeOf = (failure: unknown): string | undefined =>
  failure instanceof Error && 'code' in failure ? String(failure.code) : undefined;

/**
 * The files of one folder, and of others that belong to it, such as its modules'. Paths are relative to the first.
 * Nothing outside of them is read, also not through symbolic links: a configuration from somewhere else cannot
 * show what is on the machine that plans it.
 */
export class FolderFiles implements FileReader {
  readonly #folder: string;
  /** As they are named, and as they really are. */
  readonly #named: string[];
  readonly #roots: string[];
  readonly #home: string | undefined;
  readonly #reason: (failure: unknown) => string;

  /** `reason` says why the system refused something, as a clause. */
  constructor(
    folder: string,
    home: string | undefined = homedir(),
    reason: (failure: unknown) => string = (failure) => codeOf(failure) ?? String(failure),
  ) {
    this.#folder = resolve(folder);
    this.#named = [this.#folder];
    this.#roots = [realpathSync(this.#folder)];
    this.#home = home;
    this.#reason = reason;
  }

  /** From now on files of this folder may be read too. Throws where there is no such folder. */
  include(folder: string): void {
    this.#named.push(resolve(folder));
    this.#roots.push(realpathSync(folder));
  }

  read(path: string): Uint8Array {
    const found = this.#locate(path);
    if (found === undefined) {
      throw new FileFailure(
        `no file exists at ${quote(path)}; this function works only with files that are distributed as part of the configuration source code`,
      );
    }
    const stats = statSync(found);
    if (stats.isDirectory()) throw new FileFailure(`failed to read file: ${quote(path)} is a directory`);
    if (!stats.isFile()) throw new FileFailure(`failed to read file: ${quote(path)} is not a regular file`);
    if (stats.size > MAX_BYTES) {
      throw new FileFailure(
        `failed to read file: ${quote(path)} is larger than ${MAX_BYTES / 1024 / 1024} MB`,
      );
    }
    try {
      return readFileSync(found);
    } catch (failure) {
      throw new FileFailure(`failed to read file: ${quote(path)}: ${this.#reason(failure)}`);
    }
  }

  exists(path: string): boolean {
    const found = this.#locate(path);
    if (found === undefined) return false;
    const stats = statSync(found);
    if (stats.isFile()) return true;
    const kind = stats.isDirectory()
      ? 'a directory, not a file'
      : stats.isFIFO()
        ? 'a named pipe, not a regular file'
        : stats.isSocket()
          ? 'a unix domain socket, not a regular file'
          : 'not a regular file';
    throw new FileFailure(`${quote(path)} is ${kind}`);
  }

  glob(path: string, pattern: string): readonly string[] {
    const start = this.absolute(path);
    const steps = parseGlob(join(pattern));
    if (steps === undefined)
      throw new FileFailure(`failed to glob pattern ${quote(pattern)}: syntax error in pattern`);
    const found = new Set<string>();
    let entries = 0;
    const walk = (directory: string, at: number): void => {
      const step = steps[at];
      if (step === undefined) return;
      const isLast = at === steps.length - 1;
      if (step.kind === 'plain') {
        const next = join(directory, step.text);
        if (!isLast) walk(next, at + 1);
        else if (this.#isFile(next)) found.add(next);
        return;
      }
      if (step.kind === 'any-depth') {
        if (!isLast) walk(directory, at + 1);
      }
      for (const name of this.#namesIn(directory)) {
        if (++entries > MAX_ENTRIES) throw new FileFailure(`${quote(pattern)} looks at too many files`);
        const next = join(directory, name);
        if (step.kind === 'any-depth') {
          if (this.#isRealDirectory(next)) walk(next, at);
          else if (isLast && this.#isFile(next)) found.add(next);
        } else if (step.fits(name)) {
          if (!isLast) walk(next, at + 1);
          else if (this.#isFile(next)) found.add(next);
        }
      }
    };
    walk(start, 0);
    return [...found].map((file) => relative(start, file).split(sep).join('/'));
  }

  absolute(path: string): string {
    return resolve(this.#folder, this.#expand(path));
  }

  home(): string | undefined {
    return this.#home;
  }

  #expand(path: string): string {
    if (this.#home === undefined || (path !== '~' && !path.startsWith('~/'))) return path;
    return join(this.#home, path.slice(1));
  }

  /** The real path; undefined when there is nothing. Throws when it is outside. */
  #locate(path: string): string | undefined {
    if (path.includes('\0')) throw new FileFailure(`${quote(path)} is not a path`);
    const wanted = this.absolute(path);
    if (!this.#isInside(wanted, [...this.#named, ...this.#roots])) throw outside(path);
    let real: string;
    try {
      real = realpathSync(wanted);
    } catch (failure) {
      const code = codeOf(failure);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new FileFailure(`failed to read file: ${quote(path)}: ${this.#reason(failure)}`);
    }
    if (!this.#isInside(real, this.#roots)) throw outside(path);
    return real;
  }

  #isInside(path: string, roots: readonly string[]): boolean {
    return roots.some((root) => {
      const way = relative(root, path);
      return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
    });
  }

  #namesIn(directory: string): readonly string[] {
    try {
      return this.#isInside(realpathSync(directory), this.#roots) ? readdirSync(directory) : [];
    } catch {
      return [];
    }
  }

  #isFile(path: string): boolean {
    try {
      return statSync(path).isFile() && this.#isInside(realpathSync(path), this.#roots);
    } catch {
      return false;
    }
  }

  /** Symbolic links to folders are not followed while searching at any depth: they can lead in circles. */
  #isRealDirectory(path: string): boolean {
    try {
      return lstatSync(path).isDirectory();
    } catch {
      return false;
    }
  }
}

const outside = (path: string): FileFailure =>
  new FileFailure(
    `${quote(path)} is outside of the environment's folder and of its modules', and expressions read only files inside of them`,
  );
