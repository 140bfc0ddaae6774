/** The lab and the built program, as somebody meets them who tries deployctl for the first time: at a terminal. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onTerminal } from '../rig/pty.ts';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../..');
const program = join(project, 'dist/deployctl.cjs');
/** Addresses that no other run of these tests has. */
const network = `127.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;
const env: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  HOME: tmpdir(),
  DEPLOYCTL_VAR_network: network,
};

let folder: string;

const deployctl = (...argv: readonly string[]) =>
  run(process.execPath, [program, ...argv], { cwd: folder, env, timeout: 60_000 });

const atTerminal = (...argv: readonly string[]) =>
  onTerminal(process.execPath, [program, ...argv], { cwd: folder, env });

const answers = (address: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });

interface Status {
  readonly up: boolean;
  readonly traffic: { readonly figures: { readonly requests: number; readonly failed: number } } | null;
}

const labStatus = async (): Promise<Status> =>
  JSON.parse((await deployctl('lab', 'status', '--json')).stdout) as Status;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deployctl-lab-'));
  cpSync(join(project, 'environments/lab'), join(folder, 'environments/lab'), { recursive: true });
  await deployctl('lab', 'up');
});

afterAll(async () => {
  await deployctl('lab', 'down', '--wipe');
  rmSync(folder, { recursive: true, force: true });
});

describe('the lab, at a terminal', () => {
  test('is up, and "up" again changes nothing', async () => {
    const before = await labStatus();
    await deployctl('lab', 'up');
    expect(before).toMatchObject({ up: true, traffic: null });
    expect(await labStatus()).toEqual(before);
  });

  test('an answer other than "yes" leaves everything as it is', async () => {
    const apply = atTerminal('apply', 'lab');
    await apply.shows('Enter a value');
    apply.type('y\r');
    expect(await apply.ended).toBe(1);
    expect(await answers(`${network}.11`, 8081)).toBe(false);
  });

  test('"yes" deploys, drawn as it goes, and the last words stay on the screen', async () => {
    const apply = atTerminal('apply', 'lab');
    await apply.shows('Enter a value');
    apply.type('yes\r');
    expect(await apply.ended, apply.text()).toBe(0);
    expect(apply.text()).toContain('Apply complete');
    expect(apply.text()).toContain('shop is 1.0.0 on blue');
  });

  test('a switch and the way back under traffic lose no request', async () => {
    await deployctl('lab', 'up', '--traffic', '100');
    await deployctl('apply', 'lab', '--var', 'version=2.0.0', '--auto-approve');
    expect(await (await fetch(`http://${network}.10:8080/`)).json()).toMatchObject({ version: '2.0.0' });
    await deployctl('revert', 'lab', '--auto-approve');
    expect(await (await fetch(`http://${network}.10:8080/`)).json()).toMatchObject({ version: '1.0.0' });
    const { traffic } = await labStatus();
    expect(traffic?.figures.requests).toBeGreaterThan(100);
    expect(traffic?.figures.failed).toBe(0);
  });

  test('"down" ends all that runs on the hosts, and the next plan sees it', async () => {
    expect(await answers(`${network}.11`, 8081)).toBe(true);
    await deployctl('lab', 'down');
    for (const [number, port] of [
      [11, 2222],
      [11, 8081],
      [12, 8082],
      [10, 8080],
    ] as const) {
      expect(await answers(`${network}.${number}`, port)).toBe(false);
    }
    expect((await labStatus()).up).toBe(false);
    await deployctl('lab', 'up');
    expect(await labStatus(), 'what another lab saw is not told').toMatchObject({ up: true, traffic: null });
    const plan = await deployctl('plan', 'lab', '--detailed-exitcode').catch(
      (error: { readonly code: number; readonly stdout: string }) => error,
    );
    expect(plan).toMatchObject({ code: 2 });
    expect(plan.stdout).toContain('service.shop.slot["blue"].host["web-1"]');
  });
});
