/**
 * How long the program takes to start: `--version` beside bare Node, and `plan` of an empty environment beside
 * Terraform's, where that is installed. Rounds are interleaved, so that ratios hold on a busy machine too.
 *
 *   node bench/start.ts [rounds]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rounds = Number(process.argv[2] ?? 25);
const program = join(import.meta.dirname, '../dist/deployctl.cjs');
const folder = mkdtempSync(join(tmpdir(), 'deployctl-start-'));
const empty = join(folder, 'environments', 'empty');
const terraform = join(folder, 'terraform');
for (const path of [empty, terraform]) mkdirSync(path, { recursive: true });
writeFileSync(join(empty, 'main.hcl'), '');
writeFileSync(join(terraform, 'main.tf'), '');

// An extra file of certificates costs some versions of Node 37 ms, and Terraform asks its maker for news.
const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
const env = { ...inherited, CHECKPOINT_DISABLE: '1', NO_COLOR: '1' };
const node = process.execPath;
const ways: readonly {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
}[] = [
  { name: 'node -e 0', argv: [node, '-e', '0'], cwd: folder },
  { name: 'deployctl --version', argv: [node, program, '--version'], cwd: folder },
  { name: 'deployctl plan, empty', argv: [node, program, 'plan', 'empty'], cwd: folder },
  { name: 'terraform version', argv: ['terraform', 'version'], cwd: terraform },
  { name: 'terraform plan, empty', argv: ['terraform', 'plan'], cwd: terraform },
];

const times = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
try {
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, argv, cwd } of ways) {
      const [file, ...args] = argv;
      const started = performance.now();
      const { status, error } = spawnSync(file, args, { cwd, env, stdio: 'ignore' });
      // The first round fills caches, the compiled code among them.
      if (error === undefined && status === 0 && round >= 0)
        times.get(name)?.push(performance.now() - started);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const at = (name: string, share: number): number => {
  const sorted = (times.get(name) ?? []).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
};
const ratio = (name: string, to: string): string => {
  const own = at(name, 0.5) / at(to, 0.5);
  return Number.isNaN(own) ? 'not installed' : own.toFixed(2);
};
for (const { name } of ways) {
  console.log(`${name.padEnd(24)} p50 ${at(name, 0.5).toFixed(0)} ms, best ${at(name, 0).toFixed(0)} ms`);
}
console.log(`deployctl --version / node -e 0: ${ratio('deployctl --version', 'node -e 0')}`);
console.log(`deployctl plan / terraform plan: ${ratio('deployctl plan, empty', 'terraform plan, empty')}`);
console.log(`deployctl plan / node -e 0:      ${ratio('deployctl plan, empty', 'node -e 0')}`);
