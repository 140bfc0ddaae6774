/** The artifact on the operator's side: what it is, its digest, and whether it may be unpacked. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type ArtifactDeclared,
  asSha256,
  type Diagnostic,
  type Outcome,
  type Sha256,
  systemReason,
  visible,
} from '../../model/index.ts';
import { checkArchive } from './archive-check.ts';
import { digestOfFile } from './file-digest.ts';
import { FolderPackError, packFolder } from './folder-pack.ts';
import { isPathComponent } from './layout.ts';

const archiveNames = /\.(tar|tar\.gz|tgz)$/i;
const foreignArchives = /\.(zip|tar\.(xz|bz2|zst|lz4|lzma)|txz|tbz2?|tzst|7z|rar)$/i;

/** Whether the name says that the archive is compressed. */
export const isGzipped = (fileName: string): boolean => /\.(tgz|tar\.gz)$/i.test(fileName);

/**
 * Reads an artifact once: kind by its name and nature, digest, size, and whether every entry of an archive may be
 * unpacked. Never throws for what is wrong with the artifact. The digest of a folder is that of its packed bytes.
 */
export async function readArtifact(path: string): Promise<Outcome<ArtifactDeclared>> {
  const fileName = basename(path);
  try {
    const found = await stat(path);
    if (!isPathComponent(fileName)) return unusableName(path);
    if (found.isDirectory()) {
      const { sha256, bytes } = await digestOf(packFolder(path));
      return whole({ path, kind: 'folder', fileName, sha256, bytes });
    }
    if (!found.isFile()) {
      return complaint(
        'artifact-kind',
        'Artifact is neither a file nor a folder',
        `${path} is something else.`,
      );
    }
    if (foreignArchives.test(fileName)) return unsupportedArchive(path);
    const kind = archiveNames.test(fileName) ? 'archive' : 'file';
    const wrong = await judgeArchive(path, { path, kind, fileName });
    if (wrong !== undefined) return { ok: false, diagnostics: [wrong] };
    const { sha256, bytes } = await digestOfFile(path);
    return whole({ path, kind, fileName, sha256, bytes });
  } catch (error) {
    if (error instanceof FolderPackError) {
      return complaint('artifact-unsafe-entry', 'Folder cannot be packed', `${visible(error.message)}.`);
    }
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return complaint(
        'artifact-missing',
        'Artifact does not exist',
        `There is no ${visible(path)}.`,
        "Build it first, or correct artifact in the release block (it is relative to the environment's folder).",
      );
    }
    if (code === undefined) throw error;
    return complaint(
      'artifact-unreadable',
      'Artifact cannot be read',
      `${visible(path)}: ${visible(systemReason(error))}.`,
    );
  }
}

const complaint = (
  code: string,
  summary: string,
  detail: string,
  hint?: string,
): { readonly ok: false; readonly diagnostics: readonly [Diagnostic] } => ({
  ok: false,
  diagnostics: [{ code, severity: 'error', summary, detail, ...(hint === undefined ? {} : { hint }) }],
});

const unsupportedArchive = (shown: string) =>
  complaint(
    'artifact-kind',
    'Kind of archive is not supported',
    `${shown} is to be unpacked on hosts that are only known to have tar and gzip.`,
    'Pack it as .tar.gz (or .tar), or name the folder itself as the artifact.',
  );

const unusableName = (shown: string) =>
  complaint(
    'artifact-name',
    'Artifact has an unusable name',
    `${visible(shown)} cannot be the name of a file on a host.`,
  );

/**
 * What a URL says of its artifact before it is fetched: the last part of its path is the file's name. `shown` is the URL
 * without what may be secret in it.
 */
export function artifactOfUrl(url: string, shown: string, sha256: Sha256): ArtifactDeclared | Diagnostic {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return complaint(
      'artifact-url',
      'Artifact is a URL of a kind that is not fetched',
      `${shown} is neither http:// nor https://.`,
      'Fetch it first, in the job that builds the release, and name the file.',
    ).diagnostics[0];
  }
  let fileName = '';
  try {
    fileName = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
  } catch {
    // Not UTF-8 behind its percent signs: no name at all.
  }
  if (!isPathComponent(fileName)) return unusableName(shown).diagnostics[0];
  if (foreignArchives.test(fileName)) return unsupportedArchive(shown).diagnostics[0];
  const kind = archiveNames.test(fileName) ? 'archive' : 'file';
  return { path: shown, fromUrl: true, kind, fileName, sha256, bytes: null };
}

/** Why the file must not be unpacked as this artifact; undefined: it may, or it is no archive. */
export async function judgeArchive(
  file: string,
  artifact: Pick<ArtifactDeclared, 'path' | 'kind' | 'fileName'>,
): Promise<Diagnostic | undefined> {
  if (artifact.kind !== 'archive') return undefined;
  const verdict = await checkArchive(createReadStream(file), isGzipped(artifact.fileName));
  if (verdict.ok) return undefined;
  const reasons = `${artifact.path}: ${verdict.reasons.join('; ')}.`;
  const refused =
    verdict.because === 'unsafe'
      ? complaint(
          'artifact-unsafe-entry',
          'Archive has entries that must not be unpacked',
          reasons,
          'Pack it again from a folder of its own, without absolute paths, "..", devices or links that lead out.',
        )
      : complaint(
          'artifact-broken',
          'Archive cannot be read',
          reasons,
          'It is cut off or damaged: build or fetch it again.',
        );
  return refused.diagnostics[0];
}

const whole = (value: ArtifactDeclared): Outcome<ArtifactDeclared> => ({ ok: true, value, diagnostics: [] });

async function digestOf(source: AsyncIterable<Buffer>): Promise<{ sha256: Sha256; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: asSha256(hash.digest('hex')), bytes };
}
