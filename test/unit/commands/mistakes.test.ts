/** What people type by mistake, mostly with Terraform in their fingers: each gets an answer that says what to type. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtProgram, programIn } from '../../rig/program.ts';
import { temporaryFolder } from '../../rig/state.ts';

const folder = temporaryFolder();
const { cli, cliWith } = programIn(folder.path);
const at = (...parts: string[]): string => join(folder.path, ...parts);

/** The lines of a frame as one text. */
const said = (stderr: string): string => stderr.replace(/\n│ ?/g, ' ').replace(/\s+/g, ' ');

beforeAll(async () => {
  for (const name of ['prod', 'staging']) {
    mkdirSync(at('environments', name), { recursive: true });
    writeFileSync(at('environments', name, 'main.hcl'), 'host "here" { connection = "local" }\n');
  }
  writeFileSync(at('a-file'), 'nothing\n');
  mkdirSync(at('odd'));
  writeFileSync(at('odd/main.hcl'), '');
  symlinkSync('nowhere', at('odd/gone.hcl'));
  writeFileSync(at('newer.plan'), '{"file":"deployctl plan","format":9,"plan":{}}\n');
  expect(await cli('plan', 'prod', '--out', 'saved.plan')).toMatchObject({ code: 0 });
});
afterAll(() => folder[Symbol.dispose]());

describe.concurrent('flags as Terraform has them', () => {
  test.for([
    [['apply', 'prod', '-auto-approve'], 'Flags have two dashes here: --auto-approve.'],
    [['plan', 'prod', '-var', 'x=y'], 'Flags have two dashes here: --var.'],
    [['plan', 'prod', '-out=p.plan'], 'Flags have two dashes here: --out=p.plan.'],
    [['plan', 'prod', '-input=false'], 'Here it is --no-input.'],
    [['plan', 'prod', '-lock=false'], 'Here it is --no-lock.'],
    [['plan', 'prod', '--refresh=false'], 'Here it is --no-refresh.'],
    [['plan', 'prod', '-destroy'], 'what is no longer declared goes on running'],
    [['-chdir=elsewhere', 'plan', 'prod'], 'Flags have two dashes here: --chdir=elsewhere.'],
    [['plan', 'prod', '-chdir=elsewhere'], 'It stands before the command: "deployctl --chdir DIR plan".'],
    [['plan', 'prod', '--taget', 'service.shop'], 'Did you mean --target?'],
    [['apply', 'prod', '--parallelism', '0'], '--parallelism must be a whole number from 1 on, and is 0.'],
    [
      ['plan', 'prod', '--no-refresh', '--refresh-only'],
      '--no-refresh and --refresh-only cannot be given together.',
    ],
  ] as const)('%j', async ([argv, hint], { expect }) => {
    const { code, stdout, stderr } = await cli(...argv);
    expect(said(stderr)).toContain(hint);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

describe.concurrent('commands of other tools', () => {
  test.for([
    [['destroy', 'prod'], 'deployctl stops nothing as a whole.'],
    [['force-unlock', 'x'], 'deployctl unlock ENV LOCK_ID'],
    [['workspace', 'list'], 'An environment is a folder below environments/'],
    [['state', 'mv', 'a', 'b'], 'moved { from = OLD, to = NEW }'],
    [['refresh', 'prod'], 'deployctl plan prod --refresh-only'],
    [['import', 'a', 'b'], 'deployctl state import ENV ADDRESS'],
    [['rollback', 'prod'], 'deployctl revert prod'],
    [['terraform', 'plan'], 'Type the command by itself'],
    [['plann', 'prod'], 'Did you mean "deployctl plan"?'],
    [['state', 'lst'], 'Did you mean "deployctl state list"?'],
  ] as const)('%j', async ([argv, hint], { expect }) => {
    const { code, stdout, stderr } = await cli(...argv);
    expect(said(stderr)).toContain(hint);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

describe.concurrent('one thing where another is expected', () => {
  test.for([
    [['plan'], 'There is more than one: prod, staging.'],
    [['plan', 'pord'], 'Did you mean "prod"?'],
    [['validate', 'odd'], 'odd/gone.hcl: it is a link to a file that is not there.'],
    [['apply', 'pord'], 'Did you mean "prod"?'],
    [['revert', 'nowhere'], 'There is no such environment'],
    [['plan', 'prod', 'staging'], 'does not take "staging"'],
    [['plan', 'saved.plan'], 'Perform it: deployctl apply saved.plan'],
    [['status', 'saved.plan'], 'This is a saved plan, not an environment'],
    [['plan', 'a-file'], 'a-file is a file; an environment is a folder'],
    [['apply', 'missing.plan'], 'neither a folder nor a file missing.plan'],
    [['apply', 'newer.plan'], 'It has format 9, and this deployctl knows format 1.'],
    [['apply', 'saved.plan', '--target', 'service.a'], 'so --target would have no effect'],
    [['approve', 'environments/prod'], 'It is a folder.'],
    [['approve', 'missing.plan'], 'There is no such file.'],
    [['state', 'show', 'prod'], '"deployctl state show" needs an address.'],
    [['unlock', 'prod'], '"deployctl unlock" needs the id of the lock'],
    [['state', 'push', 'prod', 'missing.json'], 'missing.json: there is no such file. Nothing was changed.'],
    [['state', 'push', 'prod', 'a-file'], 'This is not a recorded state'],
    [['diff', 'prod', 'one', '2'], '"one" is not a whole number above 0.'],
    [['diff', 'prod', '1', '2'], 'Nothing was deployed yet.'],
    [['graph', 'prod', '--format', 'png'], '--format is "png", and must be one of dot, svg, mermaid.'],
    [['completion', 'bsh'], 'Did you mean "bash"?'],
    [['-C', '.', '-C', '..', 'plan', 'prod'], '-C was given 2 times: ., ..'],
    [['plan', 'prod', '--out', 'no/such/p.plan'], 'the folder does not exist. Nothing was saved.'],
    [['plan', 'prod', '--out', '.'], '--out is .: it is a folder.'],
    [['plan', 'prod', '--out', 'a-file/p.plan'], 'a file stands where its folder should be'],
    [['plan', 'prod', '--lock-timeout', '30'], 'Write "30s" for seconds'],
    [['apply', 'prod'], 'There is nobody to ask for approval'],
  ] as const)('%j', async ([argv, hint], { expect }) => {
    const { code, stdout, stderr } = await cli(...argv);
    expect(said(stderr)).toContain(hint);
    expect(said(stderr)).not.toContain('a fault of deployctl');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

test('an expression that is wrong is shown as it was typed', () => {
  const { stderr, status } = spawnSync(process.execPath, [builtProgram, 'console', 'prod'], {
    cwd: folder.path,
    input: 'upper("a")\nhost.heer.address\n',
    encoding: 'utf8',
  });
  expect(stderr).toContain('│    1: host.heer.address\n│       ~~~~~~~~~');
  expect(status).toBe(1);
});

test('an argument that is left out is not taken from standard input', () => {
  for (const command of ['plan', 'console', 'show']) {
    const { stderr, status } = spawnSync(process.execPath, [builtProgram, command], {
      cwd: folder.path,
      input: 'staging\n',
      encoding: 'utf8',
    });
    expect(said(stderr)).toContain('There is more than one: prod, staging.');
    expect(status).toBe(1);
  }
});

test('a plan from the record does not say that hosts were compared', async () => {
  const { stdout } = await cli('plan', 'prod', '--no-refresh');
  expect(stdout.replace(/\s+/g, ' ')).toContain('deployctl compared what is recorded with the configuration');
});

test('a flag that nobody typed says where it came from', async () => {
  const { code, stderr } = await cliWith({ DEPLOYCTL_CLI_ARGS: '--auto-approve' }, 'plan', 'prod');
  expect(said(stderr)).toContain('It was not typed: it comes from DEPLOYCTL_CLI_ARGS.');
  expect(code).toBe(1);
});

test('a program that asked for JSON is refused in JSON, whatever is wrong', async () => {
  for (const argv of [
    ['plan', 'prod', '--json', '--nonsense'],
    ['plan', 'nowhere', '--json'],
  ]) {
    const { code, stdout } = await cli(...argv);
    expect(JSON.parse(stdout)).toMatchObject({ format_version: '1.0', diagnostics: [{ severity: 'error' }] });
    expect(code).toBe(1);
  }
});

test('where nothing has to be done JSON is one summary, and nothing else', async () => {
  for (const argv of [
    ['apply', 'prod', '--auto-approve', '--json'],
    ['apply', 'saved.plan', '--json'],
  ]) {
    const { code, stdout } = await cli(...argv);
    const summary = { type: 'summary', format_version: '1.0', outcome: 'complete', outputs: {} };
    expect(JSON.parse(stdout)).toMatchObject(summary);
    expect(code).toBe(0);
  }
});

test('a folder without configuration is told from one in which nothing has to be done', async () => {
  mkdirSync(at('elsewhere/docs'), { recursive: true });
  for (const verb of ['plan', 'validate']) {
    const { code, stdout, stderr } = await cli(verb, 'elsewhere/docs');
    expect(said(stdout + stderr)).toContain('elsewhere/docs has no .hcl file');
    expect(code).toBe(0);
  }
});

test('a reader that goes away ends nothing: no error, no stack', () => {
  const line = '"$0" "$1" graph prod --format svg; echo "code $?" >&2';
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `{ ${line}; } | head -c 4`, process.execPath, builtProgram],
    { cwd: folder.path, encoding: 'utf8' },
  );
  expect({ stdout, stderr }).toEqual({ stdout: '<svg', stderr: 'code 0\n' });
});

test('a state folder that cannot be made says so', async () => {
  rmSync(at('.deployctl'), { recursive: true, force: true });
  writeFileSync(at('.deployctl'), 'in the way\n');
  const { code, stderr } = await cli('plan', 'prod', '--lock-timeout', '1s');
  expect(said(stderr)).toContain('.deployctl');
  expect(said(stderr)).not.toContain('a fault of deployctl');
  expect(code).toBe(1);
});

test('DEPLOYCTL_LOG tells on standard error what is read and done, by level', async () => {
  const { stdout, stderr } = await cliWith({ DEPLOYCTL_LOG: 'info' }, 'plan', 'staging', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ environment: 'staging' });
  expect(stderr).toMatch(/\[INFO\] environment staging in /);
  expect(stderr).toMatch(/\[INFO\] looked at the world in \d+ ms/);
  expect(stderr).toMatch(/\[INFO\] exit 0 after \d+ ms/);
  expect(stderr).not.toContain('[DEBUG]');
  const debug = await cliWith({ DEPLOYCTL_LOG: 'DEBUG' }, 'plan', 'staging');
  expect(debug.stderr).toMatch(/\[DEBUG\] read environments\/staging\/main.hcl, \d+ bytes/);
});
