/** The record handled by people: forgotten, taken from the world, pulled, put back, moved. One host, this machine. */
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Program, programIn } from '../rig/program.ts';
import { processesBelow } from '../rig/scene.ts';
import { endProcesses } from '../rig/sshd.ts';
import { temporaryFolder } from '../rig/state.ts';

const folder = temporaryFolder();
const { cli }: Program = programIn(folder.path);
const at = (...parts: string[]): string => join(folder.path, ...parts);
const instance = 'service.shop.slot["only"].host["here"]';

const declare = (version: string, state = ''): void =>
  writeFileSync(
    at('environments/prod/main.hcl'),
    `${state}
host "here" { connection = "local" }
release "shop" {
  version  = "${version}"
  artifact = "shop"
}
service "shop" {
  release = release.shop
  slot "only" {
    hosts = ["here"]
  }
  install { root = "${at('srv')}" }
  process "exec" {
    command = ["sleep", "600"]
    environment = { VERSION = "${version}" }
  }
  strategy "in_place" {}
}
`,
  );

const pulled = async (name: string): Promise<string> => {
  const { stdout } = await cli('state', 'pull');
  writeFileSync(at(name), stdout);
  return stdout;
};
const json = async (...args: string[]) => JSON.parse((await cli(...args)).stdout);
/** The lines of a frame as one text. */
const said = (stderr: string): string => stderr.replace(/\n│ ?/g, ' ').replace(/\s+/g, ' ');

beforeAll(async () => {
  mkdirSync(at('environments/prod/shop'), { recursive: true });
  writeFileSync(at('environments/prod/shop/readme'), 'shop\n');
  declare('1.0.0');
  expect(await cli('apply', '--auto-approve')).toMatchObject({ code: 0 });
});

afterAll(async () => {
  await endProcesses(folder.path);
  for (const pid of processesBelow(folder.path)) process.kill(pid, 'SIGKILL');
  folder[Symbol.dispose]();
});

test('what was pulled goes back unchanged, and is refused where it is older or was edited', async () => {
  const text = await pulled('one.json');
  expect(await json('state', 'push', 'one.json', '--json')).toMatchObject({ changed: false, backup: null });

  declare('2.0.0');
  expect(await cli('apply', '--auto-approve')).toMatchObject({ code: 0 });
  const older = await cli('state', 'push', 'one.json');
  expect(older.code).toBe(1);
  expect(said(older.stderr)).toContain('The state that is here is newer');

  writeFileSync(at('wrong.json'), JSON.stringify({ ...JSON.parse(text), resources: [] }));
  const edited = await cli('state', 'push', 'prod', 'wrong.json', '--force');
  expect(edited.code).toBe(1);
  expect(said(edited.stderr)).toContain('The document was edited');
  expect((await json('history', '--json')).runs).toHaveLength(2);
});

test('forced, an older state takes the place of a newer one, which is kept; runs go on with new numbers', async () => {
  const forced = await json('state', 'push', 'prod', 'one.json', '--force', '--json');
  expect(forced).toMatchObject({ changed: true });
  expect(forced.backup).toMatch(/^\.deployctl\/prod\/backups\/.*\.json$/);
  expect(statSync(at(forced.backup)).mode & 0o777).toBe(0o600);
  const history = await json('history', '--json');
  expect(history.runs).toMatchObject([{ run: 1 }]);
  expect(history.edits).toMatchObject([{ edit: 'push', from: 'one.json' }]);

  // The host's fence has seen run 2, and would refuse another run of that number.
  declare('3.0.0');
  expect(await cli('apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect((await json('history', '--json')).runs).toMatchObject([{ run: 1 }, { run: 3 }]);

  expect(await json('diff', 'prod', '1', '3', '--json')).toMatchObject({
    changes: [
      { address: 'release.shop', before: { version: '1.0.0' }, after: { version: '3.0.0' } },
      { address: instance, before: { environment: { VERSION: '1.0.0' } } },
    ],
    summary: { create: 0, update: 2, remove: 0 },
  });
  expect(said((await cli('diff', '1', '2')).stderr)).toContain('The nearest are 1, 3.');

  const apart = await cli('state', 'push', forced.backup);
  expect(said(apart.stderr)).toContain('The two states went different ways');
  expect(apart.code).toBe(1);
});

test('what others changed is recorded by apply --refresh-only; a plan from the record is checked before it is applied', async () => {
  rmSync(at('srv/only'));
  const refreshed = await cli('apply', '--refresh-only', '--auto-approve');
  expect(refreshed).toMatchObject({ code: 0, stdout: expect.stringContaining('Recorded what stands there') });
  expect((await json('plan', '--refresh-only', '--json')).drift).toEqual([]);
  expect(existsSync(at('srv/only'))).toBe(false);

  expect(await cli('state', 'rm', 'prod', instance, '--auto-approve')).toMatchObject({ code: 0 });
  const stale = await cli('apply', '--no-refresh', '--auto-approve');
  expect({ code: stale.code, running: processesBelow(folder.path).length }).toEqual({ code: 6, running: 1 });
  expect(await cli('apply', '--auto-approve')).toMatchObject({ code: 0 });
});

test('rm forgets and touches nothing; import takes it back as it stands', async () => {
  const before = processesBelow(folder.path);
  const within = (await json('state', 'list', '--json')).addresses.filter((each: string) =>
    each.startsWith('service.shop.'),
  );
  const { resources } = await json('state', 'show', 'prod', 'service.shop');
  expect(resources.map((each: { address: string }) => each.address)).toEqual(within);
  expect(await json('state', 'show', instance)).toMatchObject({ address: instance, kind: 'instance' });
  const asked = await cli('state', 'rm', instance);
  expect(said(asked.stderr)).toContain('There is nobody to ask');
  expect((await json('state', 'list', '--json')).addresses).toContain(instance);

  expect(await json('state', 'rm', instance, '--auto-approve', '--json')).toMatchObject({
    forgotten: [instance],
  });
  expect((await json('state', 'list', '--json')).addresses).not.toContain(instance);
  expect(processesBelow(folder.path)).toEqual(before);
  expect(said((await cli('state', 'rm', instance, '--auto-approve')).stderr)).toContain(
    'Nothing is recorded',
  );

  expect(await json('state', 'import', 'prod', 'service.shop', '--json')).toMatchObject({
    imported: [
      { address: 'service.shop.install.host["here"]', action: 'keep' },
      { address: instance, action: 'create' },
    ].toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  });
  expect((await cli('state', 'import', 'service.shop')).stdout).toContain('Nothing to record');
  expect(said((await cli('state', 'import', 'service.shpo')).stderr)).toContain('Did you mean service.shop?');
  expect((await json('history', '--json')).edits.map((each: { edit: string }) => each.edit)).toEqual([
    'push',
    'import',
    'remove',
    'remove',
    'import',
  ]);
  expect(await cli('plan', '--detailed-exitcode')).toMatchObject({ code: 0 });
});

test('without the values that a saved plan was made with: what needs no new ones takes those of the record', async () => {
  const required =
    'variable "release" { type = string }\nvariable "token" {\n  sensitive = true\n  default   = ""\n}\n';
  declare('${var.release}', required);
  expect(await cli('apply', '--auto-approve', '--var', 'release=5.0.0')).toMatchObject({ code: 0 });
  await cli('plan', '--var', 'release=6.0.0', '--var', 'token=hush', '--out', 'p.plan');
  expect(await cli('apply', 'p.plan')).toMatchObject({ code: 0 });
  const status = await cli('status', '--json');
  expect(JSON.parse(status.stdout).services).toMatchObject([{ release: '6.0.0', sync: 'in_sync' }]);
  expect(status.stderr).toMatch(/^Not given, and taken as in run 6: release = "6\.0\.0"\n$/);

  const reverted = await cli('revert', '--auto-approve');
  expect(reverted).toMatchObject({ code: 0, stdout: expect.stringContaining('shop is 5.0.0') });
  expect(reverted.stderr.match(/Not given/g)).toHaveLength(1);

  // Nor does it need what would be deployed, which may never have been on this machine.
  renameSync(at('environments/prod/shop'), at('away'));
  const imported = await cli('state', 'import', 'service.shop');
  expect(imported).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to record') });
  expect(imported.stderr).toMatch(/^Not given, and taken as in run 7: release = "5\.0\.0"\n$/);
  renameSync(at('away'), at('environments/prod/shop'));

  // A new release is never guessed, and what is sensitive is not on record.
  expect(said((await cli('plan')).stderr)).toContain('No value for required variable');
  declare('${var.release}', required.replace('default   = ""', ''));
  const asked = await cli('revert', '--auto-approve');
  expect(asked.code).toBe(1);
  expect(said(asked.stderr)).toContain('It is sensitive, so what it was in earlier runs is not recorded.');
});

test('migrate moves all of it to where the configuration declares it, and the old place refuses', async () => {
  const elsewhere = `deployctl {\n  state "local" { path = "${at('elsewhere')}" }\n}\n`;
  declare('3.0.0', elsewhere);
  const moved = await json('state', 'migrate', '--json');
  expect(moved).toMatchObject({ changed: true, backup: null });
  const runs = (await json('history', '--json')).runs.map((each: { run: number }) => each.run);
  expect(runs).toEqual([1, 3, 4, 5, 6, 7]);
  expect(await json('state', 'migrate', '--json')).toMatchObject({ changed: false });

  declare('3.0.0');
  for (const command of [['plan'], ['apply', '--auto-approve'], ['state', 'list']]) {
    const stale = await cli(...command);
    expect(stale.code).toBe(1);
    expect(said(stale.stderr)).toContain('The recorded state was moved');
    expect(said(stale.stderr)).toContain(at('elsewhere'));
  }
  expect((await cli('state', 'migrate', '--from', 'elsewhere')).code).toBe(0);
  declare('4.0.0');
  expect(await cli('apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect((await json('history', '--json')).runs.at(-1)).toMatchObject({ run: 8, outcome: 'complete' });

  const nowhere = await cli('state', 'migrate', '--from', 'nowhere');
  expect(said(nowhere.stderr)).toContain('There is no recorded state to move');
  expect(existsSync(at('nowhere'))).toBe(false);
});
