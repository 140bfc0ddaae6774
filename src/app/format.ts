/** Rewrites configuration files in the canonical layout: whole files or nothing, with the modes that they had. */
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { formatFile } from '../hcl/format/format.ts';
import type { Diagnostic, Outcome } from '../model/index.ts';
import { AppFailure } from './failure.ts';
import { readConfigurationFile } from './read-file.ts';
import { writeWhole } from './whole-file.ts';

export interface Formatted {
  /** As the user would type it. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/**
 * The files below `paths` whose layout differs. Folders are searched whole, without hidden ones. A file that cannot be
 * parsed gives diagnostics; the others are formatted all the same, as Terraform does.
 */
export function findUnformatted(
  paths: readonly string[],
  cwd: string,
): { readonly files: readonly Formatted[]; readonly diagnostics: readonly Diagnostic[] } {
  const files: Formatted[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const path of new Set(paths.flatMap((each) => hclFilesBelow(each, cwd)))) {
    const bytes = readConfigurationFile(join(cwd, path), path);
    const after: Outcome<string> = formatFile(bytes, path);
    if (!after.ok) {
      diagnostics.push(...after.diagnostics);
      continue;
    }
    const before = bytes.toString('utf8');
    if (before !== after.value) files.push({ path, before, after: after.value });
  }
  return { files, diagnostics };
}

function hclFilesBelow(path: string, cwd: string): readonly string[] {
  const absolute = path.startsWith('/') ? path : join(cwd, path);
  const found = statSync(absolute, { throwIfNoEntry: false });
  if (found === undefined) throw new AppFailure([noSuchPath(path)]);
  if (!found.isDirectory()) return [relative(cwd, absolute)];
  return readdirSync(absolute, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const below = join(absolute, entry.name);
      // A link may lead out of the folder, or in a circle: whoever owns its target formats it there.
      if (lstatSync(below).isSymbolicLink()) return [];
      if (entry.isDirectory()) return hclFilesBelow(below, cwd);
      return entry.name.endsWith('.hcl') ? [relative(cwd, below)] : [];
    });
}

/** A file that a link leads to is rewritten where it is. */
export function writeFormatted(file: Formatted, cwd: string): void {
  const path = realpathSync(join(cwd, file.path));
  writeWhole(path, file.after, statSync(path).mode & 0o7777);
}

/** As `diff -u` prints it. */
export const diffOf = ({ path, before, after }: Formatted): string =>
  createTwoFilesPatch(`old/${path}`, `new/${path}`, before, after).replace(/^=+\n/, '');

export const formatText = (bytes: Uint8Array): Outcome<string> => formatFile(bytes, '<stdin>');

const noSuchPath = (path: string): Diagnostic => ({
  code: 'no-such-path',
  severity: 'error',
  summary: 'There is no such file or folder',
  detail: `${path} does not exist.`,
});
