/** A file that is not there, or may not be read. The message is a sentence without its full stop. */
export class FileFailure extends Error {
  override readonly name = 'FileFailure';
}

/** The files that expressions may read: those of one folder, the environment's, and nothing outside of it. */
export interface FileReader {
  /** The bytes of a file. `path` is relative to the folder, or absolute inside of it. Throws FileFailure. */
  read(path: string): Uint8Array;
  /** Whether there is a regular file. Throws FileFailure where there is something else, or outside the folder. */
  exists(path: string): boolean;
  /** The paths of regular files below `path` that match a glob pattern, relative to `path`. Throws FileFailure. */
  glob(path: string, pattern: string): readonly string[];
  /** An absolute path. Reads nothing. */
  absolute(path: string): string;
  /** The user's home folder, for `~`. */
  home(): string | undefined;
}

/**
 * What an evaluation may use of the world. Without a port the functions that need it give an unknown value
 * (clock, randomness) or refuse (files).
 */
export interface Ports {
  readonly files?: FileReader;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** When the plan was begun, for `plantimestamp`. Milliseconds since the epoch. */
  readonly planTime?: number;
  readonly randomBytes?: (count: number) => Uint8Array;
}
