/**
 * Every entry of an archive, judged before a byte of it reaches a host. The operator's side never unpacks; the host
 * does, into a new folder, and only what passed here (the same bytes: their digest is that of the plan, see decision 6).
 *
 * History of the trap: CVE-2026-23745, -23950, -24842, -26960 (node-tar), CVE-2023-5115 (Ansible).
 */
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { visible } from '../../model/index.ts';

/** Enough for every real release, too little to fill a disk or a memory by surprise. */
export const archiveLimits = { entries: 200_000, unpackedBytes: 16 * 1024 ** 3 } as const;

export interface ArchiveContent {
  readonly entries: number;
  readonly unpackedBytes: number;
}

export type ArchiveVerdict =
  | { readonly ok: true; readonly content: ArchiveContent }
  /** `unsafe`: an entry must not be unpacked. `broken`: it is not an archive, or not whole. */
  | { readonly ok: false; readonly because: 'unsafe' | 'broken'; readonly reasons: readonly string[] };

const toldAtMost = 10;

/** Reads a .tar or .tar.gz to its end. Bounded in memory whatever the archive says about itself. */
export async function checkArchive(source: Readable, gzipped: boolean): Promise<ArchiveVerdict> {
  const judge = new EntryJudge();
  const entries = extract();
  const unzipped = gzipped ? createGunzip() : undefined;
  const failed = new Promise<never>((_, reject) => {
    for (const stream of [source, unzipped]) stream?.once('error', reject);
  });
  failed.catch(() => {});
  if (unzipped === undefined) source.pipe(entries);
  else source.pipe(unzipped).pipe(entries);
  const read = async (): Promise<void> => {
    for await (const entry of entries) {
      judge.take(entry.header);
      if (judge.isHopeless) return;
      entry.resume();
    }
  };
  try {
    await Promise.race([read(), failed]);
  } catch (error) {
    const message = visible(error instanceof Error ? error.message : String(error));
    return { ok: false, because: 'broken', reasons: [message] };
  } finally {
    source.destroy();
    unzipped?.destroy();
    entries.destroy();
  }
  return judge.verdict();
}

class EntryJudge {
  readonly #reasons: string[] = [];
  /** Where links lead, by the path of the link: nothing may be unpacked through one. */
  readonly #links = new Set<string>();
  readonly #throughs: [path: string, name: string][] = [];
  #entries = 0;
  #bytes = 0;
  #unsafe = 0;

  get isHopeless(): boolean {
    return this.#entries > archiveLimits.entries || this.#bytes > archiveLimits.unpackedBytes;
  }

  take(header: Header): void {
    const reason = this.#wrong(header);
    if (reason !== undefined) this.#refuse(reason);
  }

  /** Why this entry must not be unpacked; undefined for a good one, whose links and place are remembered. */
  #wrong(header: Header): string | undefined {
    this.#entries += 1;
    const type = header.type ?? 'file';
    const name = header.name;
    const shown = visible(JSON.stringify(name));
    if (type === 'file' || type === 'contiguous-file') this.#bytes += header.size ?? 0;
    if (this.#entries > archiveLimits.entries) {
      return `it has more than ${archiveLimits.entries} entries`;
    }
    if (this.#bytes > archiveLimits.unpackedBytes) {
      return `it unpacks to more than ${archiveLimits.unpackedBytes} bytes`;
    }
    const wrong = wrongPath(name);
    if (wrong !== undefined) return `${shown} ${wrong}`;
    if (((header.mode ?? 0) & 0o6000) !== 0) return `${shown} is setuid or setgid`;

    const path = posix.normalize(name).replace(/\/$/, '');
    switch (type) {
      case 'file':
      case 'contiguous-file':
      case 'directory':
        break;
      case 'symlink': {
        const target = header.linkname ?? '';
        if (leadsOut(path, target)) {
          return `${shown} is a link that leads out, to ${visible(JSON.stringify(target))}`;
        }
        this.#links.add(path);
        break;
      }
      case 'link': {
        const target = header.linkname ?? '';
        const bad = wrongPath(target);
        if (bad !== undefined) {
          return `${shown} is a hard link to ${visible(JSON.stringify(target))}, which ${bad}`;
        }
        this.#throughs.push([posix.normalize(target), shown]);
        break;
      }
      default:
        return `${shown} is a ${visible(type)}, not a file, folder or link`;
    }
    this.#throughs.push([posix.dirname(path), shown]);
    return undefined;
  }

  #refuse(reason: string): void {
    this.#unsafe += 1;
    if (this.#reasons.length < toldAtMost) this.#reasons.push(reason);
  }

  verdict(): ArchiveVerdict {
    if (this.#links.size > 0) {
      const told = new Set<string>();
      for (const [path, name] of this.#throughs) {
        for (let at = path; at !== '.' && at !== '/'; at = posix.dirname(at)) {
          if (!this.#links.has(at) || told.has(name)) continue;
          told.add(name);
          this.#refuse(`${name} would be written through the link ${visible(JSON.stringify(at))}`);
        }
      }
    }
    if (this.#unsafe > 0) {
      const more = this.#unsafe - this.#reasons.length;
      return {
        ok: false,
        because: 'unsafe',
        reasons: more > 0 ? [...this.#reasons, `and ${more} more`] : this.#reasons,
      };
    }
    if (this.#entries === 0) return { ok: false, because: 'broken', reasons: ['it has no entries'] };
    return { ok: true, content: { entries: this.#entries, unpackedBytes: this.#bytes } };
  }
}

/**
 * Whether a symlink at `path` may lead out of the folder that it is unpacked into. `..` is taken only at the start: a
 * `..` behind another link means that link's own parent, which no look at the text can know.
 */
export function leadsOut(path: string, target: string): boolean {
  if (posix.isAbsolute(target) || target === '') return true;
  const inner = target.replace(/^(\.\/|\.\.\/)*(\.\.$)?/, '');
  if (inner.split('/').includes('..')) return true;
  const leads = posix.normalize(posix.join(posix.dirname(path), target));
  return leads === '..' || leads.startsWith('../');
}

/** Why a path must not be unpacked; undefined for a good one. */
function wrongPath(name: string): string | undefined {
  if (name === '') return 'has no name';
  if (name.startsWith('/')) return 'is an absolute path';
  if (name.split('/').includes('..')) return 'leads out with ".."';
  if (/[\0-\x1f\x7f]/.test(name)) return 'has control characters in its name';
  if (Buffer.byteLength(name) > 4000) return 'has a name of more than 4,000 bytes';
  return undefined;
}
