/**
 * Space put aside while there is some: when the disk fills up in the middle of a run, it is given back so that the
 * outcome of the steps in hand can still be recorded. Nothing new begins after that.
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Room for the outcomes of a few dozen steps with what was seen after them. */
const reserveBytes = 1 << 20;

const reserveFile = (folder: string): string => join(folder, 'reserve');

/** Whether the reserve is there, whole. False: the disk is full now; nothing was left behind. */
export function setAside(folder: string): boolean {
  const file = reserveFile(folder);
  if (existsSync(file) && statSync(file).size === reserveBytes) return true;
  try {
    rmSync(file, { force: true });
    const handle = openSync(file, 'wx', 0o600);
    try {
      // Written, not truncated to size: a hole takes no space and would keep none.
      const block = Buffer.alloc(1 << 16, 1);
      for (let written = 0; written < reserveBytes; ) written += writeSync(handle, block);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    return true;
  } catch {
    rmSync(file, { force: true });
    return false;
  }
}

export const giveBack = (folder: string): void => rmSync(reserveFile(folder), { force: true });
