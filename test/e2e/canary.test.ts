/** environments/canary as somebody meets it who tries deployctl for the first time: in the lab, at a terminal and in a pipe. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onTerminal } from '../rig/pty.ts';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../..');
const program = join(project, 'dist/deployctl.cjs');
const network = `127.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;
const env: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  HOME: tmpdir(),
  DEPLOYCTL_VAR_network: network,
};

let folder: string;

const deployctl = async (...argv: readonly string[]) => {
  try {
    return {
      code: 0,
      ...(await run(process.execPath, [program, ...argv], { cwd: folder, env, timeout: 120_000 })),
    };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
};

interface Rung {
  readonly share_percent: number;
  readonly decided_by: { readonly analysis: readonly string[]; readonly approval: boolean };
}
interface PlanDocument {
  readonly rollouts: readonly { readonly stages: readonly Rung[] }[];
}
interface Line {
  readonly type: string;
  readonly verdict?: string;
  readonly failed?: number;
  readonly pools?: readonly { readonly pool: string; readonly requests: number; readonly mean_ms?: number }[];
  readonly traffic?: { readonly requests: number; readonly failed: number };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deployctl-canary-'));
  for (const each of ['lab', 'canary']) {
    cpSync(join(project, 'environments', each), join(folder, 'environments', each), { recursive: true });
  }
  await deployctl('lab', 'up', '--traffic', '200');
}, 60_000);

afterAll(async () => {
  await deployctl('lab', 'down', '--wipe');
  rmSync(folder, { recursive: true, force: true });
});

test('a first deployment has no canary and no way back, and says so', { timeout: 60_000 }, async () => {
  const { code, stdout } = await deployctl('apply', 'canary', '--auto-approve');
  expect(code).toBe(0);
  expect(stdout).not.toContain('Canary of shop');
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('Deployment 1, the first: there is none to go back to.');
});

test('the status is watched until Ctrl-C, and a plan can be a comment', { timeout: 60_000 }, async () => {
  const watched = onTerminal(process.execPath, [program, 'status', 'canary', '--watch'], {
    cwd: folder,
    env,
  });
  await watched.shows('shop  1.0.0  blue 100%');
  await watched.shows('Ctrl-C ends this');
  watched.type('\u0003');
  expect(await watched.ended).toBe(0);
  expect(watched.text().match(/Ctrl-C ends this/g)).toHaveLength(1);
  const { stdout } = await deployctl('plan', 'canary', '--var', 'version=2.0.0', '--markdown');
  expect(stdout).toMatch(
    /^### `deployctl plan canary`\n\n\*\*Plan: 3 to add, 1 to change, 0 to remove\.\*\*/,
  );
  expect(stdout).toContain(
    '<summary>Canary of shop: 1.0.0 on blue -&gt; 2.0.0 on green, in 3 steps</summary>',
  );
});

test('a good release climbs on a terminal, is promoted by a key, and loses no request', {
  timeout: 120_000,
}, async () => {
  const flags = ['--var', 'version=2.0.0', '--var', 'approval=true'];
  const { stdout } = await deployctl('plan', 'canary', ...flags, '--json');
  const [rollout] = (JSON.parse(stdout) as PlanDocument).rollouts;
  expect(rollout?.stages.map((stage) => [stage.share_percent, stage.decided_by.approval])).toEqual([
    [5, false],
    [25, true],
    [100, false],
  ]);

  const screen = onTerminal(process.execPath, [program, 'apply', 'canary', ...flags], {
    cwd: folder,
    env,
    columns: 80,
    rows: 24,
  });
  await screen.shows('Enter a value:');
  expect(screen.text()).toContain('Canary of shop: 1.0.0 on blue -> 2.0.0 on green, in 3 steps');
  screen.type('yes\r');
  await screen.shows('● canary 5%');
  await screen.shows('analysis:');
  expect(screen.window().at(-2)).toContain('p pause');
  screen.resize(100, 30);
  await screen.shows('● canary 25%');
  await screen.shows('Waits for a person: shop from 25%. Press p, or: deployctl promote canary');
  expect(screen.text()).toMatch(/✔ canary 5% +seen \d+(\.\d)?%, 0 of \d+ failed/);
  screen.type('p');
  await screen.shows('Promote shop from 25%?  y yes   n no');
  screen.type('p');
  await screen.shows('p promote   a abort');
  screen.type('p');
  await screen.shows('Promote shop from 25%?');
  screen.type('y');
  await screen.shows('Apply complete in');
  expect(await screen.ended).toBe(0);
  expect(screen.cursorShown()).toBe(true);
  const text = screen.text();
  expect(text).toContain('shop is 2.0.0 on green; blue keeps 1.0.0 warm.');
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(
    /[\d,]+ requests through the run, 0 failed by the balancer's count\./,
  );
  expect(text).toContain('✔ canary 100%');
  expect(text).not.toContain('y yes');
  expect(text.match(/run 2 · shop/g)).toHaveLength(1);
});

test('a signal in a share leaves the terminal as it was, and the run to be aborted', {
  timeout: 120_000,
}, async () => {
  const argv = [
    program,
    'apply',
    'canary',
    '--var',
    'version=1.0.0',
    '--var',
    'approval=true',
    '--auto-approve',
  ];
  const screen = onTerminal(process.execPath, argv, { cwd: folder, env, columns: 80, rows: 24 });
  await screen.shows('Waits for a person');
  screen.signal('SIGTERM');
  expect(await screen.ended).toBe(4);
  expect(screen.cursorShown()).toBe(true);
  expect(screen.text()).toContain('Apply stopped part-way');
  expect(screen.text()).toContain('deployctl abort canary');
  const status = await deployctl('status', 'canary');
  expect(status.stdout).toContain('green 2.0.0 75% · blue 1.0.0 25%');
  expect((await deployctl('abort', 'canary')).code).toBe(3);
  expect((await deployctl('status', 'canary')).stdout).toContain('green 100%');
});

test('a release that fails a fifth of its requests is taken back, in figures for people and programs', {
  timeout: 120_000,
}, async () => {
  const bad = await deployctl('apply', 'canary', '--var', 'version=2.1.0', '--auto-approve', '--json');
  expect(bad.code).toBe(3);
  const lines = bad.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const verdict = lines.filter(({ type }) => type === 'verdict').at(-1);
  expect(verdict?.verdict).toBe('fail');
  expect(verdict?.failed).toBeGreaterThan(0);
  const summary = lines.at(-1);
  expect(summary?.type).toBe('summary');
  // What failed were requests to the canary, and few: it had 5% of them.
  expect(summary?.traffic?.failed).toBeGreaterThan(0);
  expect(summary?.traffic?.failed).toBeLessThan((summary?.traffic?.requests ?? 0) / 20);
  const pools = lines.filter(({ type }) => type === 'traffic').at(-1)?.pools ?? [];
  expect(pools.map(({ pool }) => pool).toSorted()).toEqual(['shop_blue', 'shop_green']);
  expect(pools.find(({ pool }) => pool === 'shop_green')?.mean_ms).toBeGreaterThanOrEqual(0);
  const plan = await deployctl('plan', 'canary', '--var', 'version=2.1.0');
  expect(plan.stderr + plan.stdout).toContain('was taken back by run');
});
