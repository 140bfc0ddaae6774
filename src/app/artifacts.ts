/**
 * Where artifacts come from: a file or folder as it is, a URL by way of a cache that is kept by content. A URL is fetched
 * only when a plan sends it to a host: its digest is declared, so nothing else of it has to be known before.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isUrl } from '../config/evaluate-blocks.ts';
import { bytesText } from '../model/bytes-text.ts';
import { type ArtifactDeclared, asSha256, type Diagnostic, type Outcome, shownUrl } from '../model/index.ts';
import { artifactOfUrl, judgeArchive, readArtifact } from '../providers/host/index.ts';
import { processLives } from '../state/local/process-lives.ts';
import { DownloadFailure, download, netrcAuthorization } from '../transport/index.ts';
import type { AppContext } from './context.ts';

/** Larger than any release that is sent over SSH, small enough that a wrong URL does not fill a disk. */
const maxBytes = 16 * 1024 ** 3;
const timeoutMs = 60 * 60_000;
/** What nobody asked for in this time is removed when something new comes. */
const keptDays = 30;
const noticeEveryMs = 5_000;

/** Below the user's cache folder, private to the user. */
export const artifactCache = (environment: AppContext['environment']): string =>
  join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'deployctl', 'artifacts');

export class Artifacts {
  readonly #cx: AppContext;
  readonly #cache: string;
  /** Whole URLs, with what must not be shown, by the digest that is declared for them: known to this process only. */
  readonly #locations = new Map<string, string>();
  readonly #fetches = new Map<string, Promise<Outcome<ArtifactDeclared>>>();

  constructor(cx: AppContext) {
    this.#cx = cx;
    this.#cache = artifactCache(cx.environment);
  }

  /** What the configuration declares. `location` is an absolute path or a URL, which comes with its digest. */
  async read(location: string, sha256: string | undefined): Promise<ArtifactDeclared | Diagnostic> {
    if (isUrl(location)) return this.#readUrl(location, sha256 ?? '');
    const artifact = await readArtifact(location);
    if (!artifact.ok) return artifact.diagnostics[0] ?? unreadable(location);
    if (sha256 !== undefined && sha256.toLowerCase() !== artifact.value.sha256) {
      return {
        code: 'artifact-digest-mismatch',
        severity: 'error',
        summary: 'The artifact is not the one that is declared',
        detail: `${location} has SHA-256 ${artifact.value.sha256}, and ${sha256} is declared.`,
        hint: 'Build or fetch it again, or correct sha256 if this content is meant.',
      };
    }
    return artifact.value;
  }

  async #readUrl(location: string, declared: string): Promise<ArtifactDeclared | Diagnostic> {
    const sha256 = asSha256(declared.toLowerCase());
    const found = artifactOfUrl(location, shownUrl(location), sha256);
    if ('severity' in found) return found;
    this.#locations.set(sha256, location);
    const cached = await stat(this.#file(sha256)).catch(() => undefined);
    return cached === undefined ? found : { ...found, bytes: cached.size };
  }

  /** Has a URL's content in the cache, whole and as declared; a path is given back as it is. */
  ensure(artifact: ArtifactDeclared): Promise<Outcome<ArtifactDeclared>> {
    if (artifact.fromUrl !== true) return Promise.resolve({ ok: true, value: artifact, diagnostics: [] });
    const known = this.#fetches.get(artifact.sha256);
    if (known !== undefined) return known;
    const fetched = this.#fetch(artifact);
    this.#fetches.set(artifact.sha256, fetched);
    return fetched;
  }

  async #fetch(artifact: ArtifactDeclared): Promise<Outcome<ArtifactDeclared>> {
    const file = this.#file(artifact.sha256);
    const bytes = await sizeIfWhole(file, artifact.sha256);
    if (bytes !== undefined) {
      const now = new Date(this.#cx.clock.now());
      await utimes(file, now, now).catch(() => undefined);
      return { ok: true, value: { ...artifact, bytes }, diagnostics: [] };
    }
    const failed = await this.#bring(artifact, file);
    if (failed !== undefined) return { ok: false, diagnostics: [failed] };
    return { ok: true, value: { ...artifact, bytes: (await stat(file)).size }, diagnostics: [] };
  }

  /** The part of a download that broke is gone on with: it carries the digest in its name. */
  async #bring(artifact: ArtifactDeclared, file: string): Promise<Diagnostic | undefined> {
    const part = `${file}.${process.pid}.part`;
    try {
      await mkdir(this.#cache, { recursive: true, mode: 0o700 });
      await this.#removeUnused();
      await takeOver(this.#cache, artifact.sha256, part);
      const resumes = ((await stat(part).catch(() => undefined))?.size ?? 0) > 0;
      await this.#download(artifact, part);
      let sha256 = await digestOf(part);
      if (sha256 !== artifact.sha256 && resumes) {
        // Perhaps only what was there before is wrong.
        await rm(part);
        await this.#download(artifact, part);
        sha256 = await digestOf(part);
      }
      const wrong =
        sha256 === artifact.sha256 ? await judgeArchive(part, artifact) : differs(artifact, sha256);
      if (wrong !== undefined) {
        await rm(part);
        return wrong;
      }
      await chmod(part, 0o600);
      await rename(part, file);
      return undefined;
    } catch (error) {
      return notFetched(artifact, error);
    }
  }

  async #download(artifact: ArtifactDeclared, part: string): Promise<void> {
    const { cx, location } = {
      cx: this.#cx,
      location: this.#locations.get(artifact.sha256) ?? artifact.path,
    };
    const free = await statfs(this.#cache);
    const netrc = await readFile(cx.environment['NETRC'] ?? join(homedir(), '.netrc'), 'utf8').catch(
      () => '',
    );
    let told = cx.clock.now();
    cx.notice?.(`Fetching ${artifact.path} ...`);
    await download(location, part, {
      signal: new AbortController().signal,
      maxBytes: Math.min(maxBytes, free.bavail * free.bsize),
      timeoutMs,
      environment: cx.environment,
      authorization: ({ protocol, hostname }) =>
        protocol === 'https:' || isLoopback(hostname) ? netrcAuthorization(netrc, hostname) : undefined,
      onProgress: (bytes, total) => {
        if (cx.clock.now() - told < noticeEveryMs) return;
        told = cx.clock.now();
        const part =
          total === undefined ? '' : ` of ${bytesText(total)}, ${Math.floor((bytes / total) * 100)}%`;
        cx.notice?.(`Fetching ${artifact.path}: ${bytesText(bytes)}${part}`);
      },
    });
  }

  async #removeUnused(): Promise<void> {
    const before = this.#cx.clock.now() - keptDays * 86_400_000;
    for (const name of await readdir(this.#cache)) {
      const path = join(this.#cache, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && found.mtimeMs < before) await rm(path, { force: true });
    }
  }

  #file(sha256: string): string {
    return join(this.#cache, sha256);
  }
}

/** What a process that ended left of it, the longest part; two that live each have their own. */
async function takeOver(cache: string, sha256: string, part: string): Promise<void> {
  const pattern = new RegExp(`^${sha256}\\.(\\d+)\\.part$`);
  const left: { readonly path: string; readonly bytes: number }[] = [];
  for (const name of await readdir(cache)) {
    const pid = Number(pattern.exec(name)?.[1] ?? Number.NaN);
    if (!Number.isInteger(pid) || pid === process.pid || processLives(pid)) continue;
    const path = join(cache, name);
    left.push({ path, bytes: (await stat(path).catch(() => undefined))?.size ?? 0 });
  }
  const [longest] = left.toSorted((a, b) => b.bytes - a.bytes);
  if (longest !== undefined) await rename(longest.path, part).catch(() => undefined);
}

async function sizeIfWhole(file: string, sha256: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && (await digestOf(file)) === sha256 ? found.size : undefined;
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);

const unreadable = (location: string): Diagnostic => ({
  code: 'artifact-unreadable',
  severity: 'error',
  summary: 'The artifact cannot be read',
  detail: `${location} cannot be read.`,
});

const differs = (artifact: ArtifactDeclared, sha256: string): Diagnostic => ({
  code: 'artifact-digest-mismatch',
  severity: 'error',
  summary: 'The artifact is not the one that is declared',
  detail: `${artifact.path} has SHA-256 ${sha256}, and ${artifact.sha256} is declared. What came was thrown away.`,
  hint: 'Find out which of the two is right before you change sha256: somebody may have put something else there.',
});

const hints: Readonly<Record<DownloadFailure['reason'], string>> = {
  unauthorized:
    'Give name and password in ~/.netrc ("machine HOST login USER password SECRET"), which is read as curl reads it; a signed URL may have run out.',
  missing: 'Publish it first, or correct artifact in the release block.',
  refused: 'Try it:  curl -fL -o /dev/null URL',
  too_large: 'Make room on this machine, or correct artifact in the release block.',
  unreachable:
    'Try it:  curl -fL -o /dev/null URL\nWhat has arrived is kept, and the next try goes on from there.',
  disk: 'Make room for it, or set XDG_CACHE_HOME to a folder that has some.',
};

function notFetched(artifact: ArtifactDeclared, error: unknown): Diagnostic {
  const isOwn = error instanceof DownloadFailure;
  const { code, message } = error as NodeJS.ErrnoException;
  if (!isOwn && code === undefined) throw error;
  return {
    code: 'artifact-not-fetched',
    severity: 'error',
    summary: 'The artifact cannot be fetched',
    detail: `${artifact.path}: ${isOwn ? message : `it cannot be kept here (${code})`}. No host was touched.`,
    hint: hints[isOwn ? error.reason : 'disk'],
  };
}
