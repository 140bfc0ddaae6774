/**
 * A folder as a tar archive, the same bytes every time: sorted by name, no times, no owners, modes reduced to
 * "executable or not". So the digest of a folder depends on what is in it and on nothing else.
 */
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type Pack, pack } from 'tar-stream';
import { leadsOut } from './archive-check.ts';

interface FolderEntry {
  /** Relative, with `/`. */
  readonly name: string;
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
}

export class FolderPackError extends Error {
  override readonly name = 'FolderPackError';
}

/** The packed bytes, in chunks. Throws {@link FolderPackError} for what cannot be packed. */
export async function* packFolder(folder: string): AsyncGenerator<Buffer> {
  const entries = await listFolder(folder);
  const archive = pack();
  const writing = (async () => {
    for (const entry of entries) {
      const header = {
        name: entry.name,
        mode: entry.mode,
        mtime: new Date(0),
        uid: 0,
        gid: 0,
        uname: '',
        gname: '',
      };
      if (entry.type === 'directory') {
        archive.entry({ ...header, name: `${entry.name}/`, type: 'directory' });
      } else if (entry.type === 'symlink') {
        archive.entry({ ...header, type: 'symlink', linkname: await safeLink(entry) });
      } else {
        await packFile(archive, entry, header);
      }
    }
    archive.finalize();
  })();
  writing.catch((error: Error) => archive.destroy(error));
  for await (const chunk of archive) yield chunk as Buffer;
  await writing;
}

/** Read as it is packed: a file may be larger than the memory. One that changes its size meanwhile is refused. */
async function packFile(
  archive: Pack,
  { path }: FolderEntry,
  header: Parameters<Pack['entry']>[0],
): Promise<void> {
  const { size } = await stat(path);
  let end: (error?: Error | null) => void = () => {};
  const taken = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  const entry = archive.entry({ ...header, type: 'file', size }, (error) => end(error));
  // Files without content end at once.
  if (size > 0) {
    let read = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      read += (chunk as Buffer).length;
      if (read > size) break;
      if (!entry.write(chunk)) await new Promise<void>((resolve) => entry.once('drain', () => resolve()));
    }
    if (read !== size) throw new FolderPackError(`${path} changed while it was packed`);
    entry.end(undefined);
  }
  await taken;
}

async function listFolder(folder: string): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = [];
  const visit = async (relative: string): Promise<void> => {
    const names = await readdir(join(folder, relative));
    // By code units, not by locale: the order must be the same on every machine.
    for (const each of names.sort()) {
      const name = relative === '' ? each : posix.join(relative, each);
      const path = join(folder, name);
      const stat = await lstat(path);
      if (stat.isDirectory()) {
        entries.push({ name, path, type: 'directory', mode: 0o755 });
        await visit(name);
      } else if (stat.isSymbolicLink()) entries.push({ name, path, type: 'symlink', mode: 0o777 });
      else if (stat.isFile()) {
        entries.push({ name, path, type: 'file', mode: (stat.mode & 0o100) !== 0 ? 0o755 : 0o644 });
      } else throw new FolderPackError(`${path} is not a file, folder or link`);
    }
  };
  await visit('');
  if (entries.length === 0) throw new FolderPackError(`${folder} is empty`);
  return entries;
}

async function safeLink(entry: FolderEntry): Promise<string> {
  const target = await readlink(entry.path);
  if (leadsOut(entry.name, target)) {
    throw new FolderPackError(`${entry.path} is a link that leads out of the folder, to ${target}`);
  }
  return target;
}
