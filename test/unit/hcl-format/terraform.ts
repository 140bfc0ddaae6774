import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The version whose formatter is ours; another one may have changed its mind. */
const VERSION = 'Terraform v1.11.';

const environment = Object.fromEntries(
  Object.entries({ ...process.env, CHECKPOINT_DISABLE: '1' }).filter(
    ([name]) => name !== 'NODE_EXTRA_CA_CERTS' && !name.startsWith('TF_'),
  ),
);

/** Whether the `terraform` to compare with is on this machine. */
export const terraformIsHere: boolean = (() => {
  const { stdout } = spawnSync('terraform', ['version'], {
    env: environment,
    encoding: 'utf8',
    timeout: 30_000,
  });
  return typeof stdout === 'string' && stdout.startsWith(VERSION);
})();

/** What `terraform fmt` makes of each text, in one run of it; undefined for a text that it refuses. */
export function terraformFmt(texts: readonly string[]): (string | undefined)[] {
  const folder = mkdtempSync(join(tmpdir(), 'deployctl-fmt-'));
  try {
    for (const [index, text] of texts.entries()) writeFileSync(join(folder, `f${index}.tf`), text);
    const run = spawnSync('terraform', ['fmt', '-no-color', '-list=false', folder], {
      env: environment,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      timeout: 120_000,
    });
    if (run.error !== undefined || run.signal !== null)
      throw new Error(`terraform fmt failed: ${run.error ?? run.signal}`);
    const refused = new Set<number>();
    for (const [, index] of `${run.stdout}${run.stderr}`.matchAll(/\bf(\d+)\.tf line/g))
      refused.add(Number(index));
    return texts.map((_, index) =>
      refused.has(index) ? undefined : readFileSync(join(folder, `f${index}.tf`), 'utf8'),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
