/** The folder of the state: its modes, and the refusals that come before anything is written. */
import { chmodSync, existsSync, lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { networkFileSystem, notAFolder, symbolicLink, unreadable } from './failures.ts';

export const stateFile = (folder: string): string => join(folder, 'state.sqlite');

/**
 * The `f_type` of statfs(2) for file systems whose locks or fsync cannot be relied on. Source: linux/magic.h and
 * fs/smb/client/cifs_fs_sb.h; FUSE is there because sshfs, s3fs and the like are, and none can be told apart.
 */
const networkMagic: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x65735546, 'a FUSE file system'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
]);

/** The name of the network file system with this magic number; undefined: it is a local one. */
export const networkFileSystemOf = (magic: number): string | undefined => networkMagic.get(magic >>> 0);

/** Throws a StateFailure if the folder, or the folder in which it would be made, is on a network file system. */
export function refuseNetworkFileSystem(folder: string): void {
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  const kind = networkFileSystemOf(statfsSync(existing).type);
  if (kind !== undefined) throw networkFileSystem(folder, kind);
}

/** Throws a StateFailure if a symbolic link stands at the path. What is not there is fine. */
export function refuseSymbolicLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw symbolicLink(path);
}

/**
 * Makes the folder with mode 0700, or sees that it is a real folder and takes the others' rights away: a journal
 * names hosts, commands and people. Its parents get the modes that the umask gives.
 */
export function prepareFolder(folder: string): void {
  try {
    refuseNetworkFileSystem(folder);
    refuseSymbolicLink(folder);
    mkdirSync(dirname(folder), { recursive: true });
    const there = lstatSync(folder, { throwIfNoEntry: false });
    if (there === undefined) mkdirSync(folder, { mode: 0o700 });
    else if (!there.isDirectory()) throw notAFolder(folder);
    else if ((there.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'StateFailure') throw cause;
    throw unreadable(folder, cause);
  }
}
