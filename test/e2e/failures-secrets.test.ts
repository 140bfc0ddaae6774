/** A secret reaches the process that asks for it, and nothing else on either machine. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codesOf, eventsOf, untilOutput } from '../rig/outcomes.ts';
import { processesBelow, type Scene, startScene } from '../rig/scene.ts';
import { execProcess, shopService } from '../rig/service-text.ts';

const secret = 'correct-horse-7f3a9b';
const given = { SHOP_DB_PASSWORD: secret };

describe('a secret from the environment', { timeout: 180_000 }, () => {
  let scene: Scene;
  /** Everything that any command said. */
  let said = '';
  const cli = async (...args: string[]) => {
    const ended = await scene.cliWith(given, ...args);
    said += ended.stdout + ended.stderr;
    return ended;
  };
  beforeAll(async () => {
    scene = await startScene({
      webHosts: 2,
      service: shopService({
        hosts: ['web-1', 'web-2'],
        process: execProcess('DB_PASSWORD = secret.db'),
        more: 'hook "before_start" {\n run = "test -n \\"$DB_PASSWORD\\""\n environment = { DB_PASSWORD = secret.db }\n on = "each_host"\n }',
      }),
      more: 'secret "db" {\n env = "SHOP_DB_PASSWORD"\n}',
    });
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  /** Files below a folder that hold the text. */
  const filesWith = (folder: string, text: string): readonly string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() && readFileSync(path).includes(text) ? [path] : [];
    });
  const environmentsWith = (text: string): number =>
    processesBelow(scene.fleet.folder).filter((pid) =>
      readFileSync(`/proc/${pid}/environ`).includes(`DB_PASSWORD=${text}\0`),
    ).length;
  /** All argument lists of this machine, which plays every host. */
  const argumentsWith = (text: string): readonly string[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const list = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
          return list.includes(text) ? [list.replaceAll('\0', ' ')] : [];
        } catch {
          return [];
        }
      });

  test('it is in the environment of the processes, and in no output, plan, state, log or argument list', async () => {
    expect((await cli('plan', '--out', 'secret.plan')).code).toBe(0);
    expect((await cli('plan', '--json')).code).toBe(0);
    const begun = scene.start({ ...given, DEPLOYCTL_LOG: 'trace' }, 'apply', 'secret.plan', '--json');
    const seen: string[] = [];
    const watch = setInterval(() => seen.push(...argumentsWith(secret)), 20);
    await untilOutput(begun.child, /"type":"summary"/);
    const ended = await begun.ended;
    clearInterval(watch);
    said += ended.stdout + ended.stderr;
    expect(ended.code).toBe(0);
    expect(environmentsWith(secret)).toBe(2);
    expect(seen).toEqual([]);
    for (const command of [
      ['status'],
      ['show', '1'],
      ['history'],
      ['state', 'pull'],
      ['show', 'secret.plan'],
    ]) {
      expect((await cli(...command)).code).toBe(0);
    }
    expect(said).not.toContain(secret);
    expect(said).toContain('secret');
    expect(filesWith(scene.folder, secret)).toEqual([]);
    // On the hosts only in the files that the processes read it from, which nobody else may read.
    const files = filesWith(scene.fleet.folder, secret);
    expect(files.map((path) => path.slice(scene.fleet.folder.length)).toSorted()).toEqual([
      '/web-1/home/srv/shop/.deployctl/shop-blue/environment',
      '/web-2/home/srv/shop/.deployctl/shop-blue/environment',
    ]);
    for (const path of files) expect(statSync(path).mode & 0o077).toBe(0);
  });

  test('nothing is left to do; another value is a change that names the secret and not the value', async () => {
    const same = await cli('plan', '--detailed-exitcode');
    expect(same.stdout).toContain('No changes.');
    expect(same.code).toBe(0);
    const other = 'battery-staple-11c';
    const changed = await scene.cliWith({ SHOP_DB_PASSWORD: other }, 'plan', '--detailed-exitcode');
    expect(changed.code).toBe(2);
    expect(changed.stdout).toContain('(secret db');
    expect(changed.stdout).not.toContain(other);
    const applied = await scene.cliWith({ SHOP_DB_PASSWORD: other }, 'apply', '--auto-approve');
    expect(applied.code).toBe(0);
    expect(applied.stdout + applied.stderr).not.toContain(other);
    expect(environmentsWith(other)).toBe(2);
  });

  test('the way back of what runs with an earlier value takes the value of today', async () => {
    const rotated = { SHOP_DB_PASSWORD: 'battery-staple-11c' };
    scene.setVersion('3.0.0-broken');
    const planned = await scene.cliWith(rotated, 'plan');
    expect(planned.stdout.replaceAll(/\s+/g, ' ')).toContain("and today's secrets");
    const run = await scene.cliWith(rotated, 'apply', '--auto-approve');
    expect(run.code).toBe(3);
    expect(await scene.servedBy()).toBe('1.0.0');
  });

  test('a secret that is not set is refused before anything is touched', async () => {
    scene.setVersion('2.0.0');
    const run = await scene.cli('apply', '--auto-approve', '--json');
    expect(run.code).toBe(1);
    expect(eventsOf(run).at(-1)).toMatchObject({ outcome: 'refused' });
    expect(codesOf(eventsOf(run).at(-1)?.failures as [])).toEqual(['secret-unreadable']);
    expect(run.stderr).toContain('SHOP_DB_PASSWORD');
    expect(await scene.servedBy()).toBe('1.0.0');
    const status = JSON.parse((await scene.cli('status', '--json')).stdout);
    expect(status.run).toBeNull();
  });
});
