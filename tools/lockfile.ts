/**
 * Writes package-lock.json anew, so that `npm ci` takes it on every platform: npm run lockfile
 *
 * npm leaves out a package for another platform that the registry in use does not have (a mirror often keeps only
 * what was asked of it), and `npm ci` then refuses the whole lockfile as "out of sync". Those packages are pinned here
 * to the version that their parent names; only their integrity is missing, which npm then takes from the registry.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { project } from './build/project.ts';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lockfile {
  readonly packages: Readonly<Record<string, Locked>>;
}

const folder = mkdtempSync(join(tmpdir(), 'lockfile-'));
try {
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    copyFileSync(join(project.root, file), join(folder, file));
  }
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--loglevel=error'], {
    cwd: folder,
    stdio: 'inherit',
  });
  const written = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lockfile;
  const completed = complete(written);
  writeFileSync(join(project.root, 'package-lock.json'), `${JSON.stringify(completed, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function complete(lockfile: Lockfile): Lockfile {
  const packages: Record<string, Locked> = { ...lockfile.packages };
  for (const parent of Object.values(lockfile.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const key = `node_modules/${name}`;
      const platform = platformOf(name);
      if (packages[key] !== undefined || platform === undefined || !/^\d/.test(version)) continue;
      packages[key] = { version, ...platform, ...(parent.dev === true ? { dev: true } : {}), optional: true };
    }
  }
  const sorted = Object.entries(packages).sort(([left], [right]) => (left < right ? -1 : 1));
  return { ...lockfile, packages: Object.fromEntries(sorted) };
}

/** From `cli-linux-x64-musl`: which platform a package is for; undefined: its name does not say. */
function platformOf(name: string): Pick<Locked, 'os' | 'cpu' | 'libc'> | undefined {
  const [, os, cpu, rest] =
    /[-/](android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|aix)-([a-z0-9]+)(?:-(\w+))?$/.exec(
      name,
    ) ?? [];
  if (os === undefined || cpu === undefined) return undefined;
  const libc = rest === 'musl' ? ['musl'] : rest === 'gnu' ? ['glibc'] : undefined;
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc }) };
}
