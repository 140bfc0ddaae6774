/** A file that is there whole or not at all. */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Writes it beside its place, onto the disk, and renames it there: after a crash or on a full disk the old content
 * stands, or the new one. Throws what the file system throws; nothing is left behind then.
 */
export function writeWhole(path: string, text: string, mode: number): void {
  const part = `${path}.${process.pid}.part`;
  rmSync(part, { force: true });
  const file = openSync(part, 'wx', mode);
  try {
    try {
      // The umask has no say in the mode of a file that is replaced.
      fchmodSync(file, mode);
      // Not writeSync: where space runs out that writes a part, and only its result says so.
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
