/** Short scripts that share a shell on their host: one after the other, and each as if it were alone. */
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostDeclared } from '../../src/model/index.ts';
import type { ExecuteOptions, Execution, HostChannel } from '../../src/transport/channel.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import { failureOf } from '../rig/failure-of.ts';
import { type Fleet, type SshdHost, startSshd } from '../rig/sshd.ts';

const options: ExecuteOptions = { timeoutMs: 20_000, mayShareShell: true };
const one = (host: HostDeclared): HostChannels => openHostChannels([host], { clock: realClock });

let fleet: Fleet;
let host: SshdHost;
let channels: HostChannels;
let channel: HostChannel;

const hostOf = ({ hosts: [first] }: Fleet): SshdHost => {
  if (first === undefined) throw new Error('no host');
  return first;
};

const run = (
  text: string,
  values: Readonly<Record<string, string>> = {},
  more: Partial<ExecuteOptions> = {},
): Promise<Execution> => channel.script(text, values, { ...options, ...more });

/** The shell itself: what a subshell calls `$$`. */
const shellOf = async (): Promise<number> => Number((await run('echo $$')).stdout);

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

beforeAll(async () => {
  fleet = await startSshd();
  host = hostOf(fleet);
  channels = one(host.declared);
  channel = await channels.to(host.name);
});

afterAll(async () => {
  await channels?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

describe('one shell after the other script', () => {
  test('two scripts share it, and neither finds what the other has set, changed or trapped', async () => {
    const first = await run(
      'echo $$; left=over; umask 077; cd /; set -f; LC_ALL=; trap "echo gone" EXIT; exit 3',
    );
    expect(first.code).toBe(3);
    const [shell, end] = first.stdout.split('\n');
    expect(end).toBe('gone');
    const second = await run('echo $$; echo "${left-}$(umask)"; pwd; echo /et*; echo "$LC_ALL"; cat');
    const home = (await channel.script('umask; pwd', {}, { timeoutMs: 20_000 })).stdout;
    expect(second).toEqual({ code: 0, signal: undefined, stdout: `${shell}\n${home}/etc\nC\n`, stderr: '' });
  });

  test.for([
    ['quotes and escapes', 'it\'s $HOME `id`\n\\n \\0101 %s %b \\c "x" \t end\\'],
    ['blanks around it', '  \n\t word \t\n  '],
    ['another alphabet', 'ünïcode €'],
    ['what a shell would do', '$(echo no) ; exit 9; *'],
    ['much', 'x y\\n\n'.repeat(50_000)],
  ] as const)('a value comes unchanged: %s', async ([, value]) => {
    const text = 'printf "%s|" "$value"; printf "%s" "$value" >&2; exit 3';
    const most = { maxOutputBytes: 2_000_000 };
    const expected = { code: 3, signal: undefined, stdout: `${value}|`, stderr: value };
    expect(await run(text, { value }, most)).toEqual(expected);
  });

  test('outputs are told apart whatever they end with, also where they look like an end', async () => {
    for (const printed of ['', '\n', 'no end', 'deployctl-', 'deployctl-0123456789abcdef01 0\n']) {
      const expected = { code: 0, stdout: printed, stderr: `${printed}!` };
      expect(await run('printf %s "$p"; printf "%s!" "$p" >&2', { p: printed })).toMatchObject(expected);
    }
  });

  test('what it prints is told while it comes, and beyond the limit it is dropped', async () => {
    const told: string[] = [];
    const result = await run(
      'echo one; sleep 0.2; echo two >&2; sleep 0.2; head -c 300000 /dev/zero | tr "\\0" x; exit 4',
      {},
      {
        maxOutputBytes: 1000,
        onOutput: (stream, chunk) => told.push(`${stream} ${chunk.slice(0, 4).trim()}`),
      },
    );
    expect(told.slice(0, 2)).toEqual(['stdout one', 'stderr two']);
    expect([result.code, result.stdout.length]).toEqual([4, 1000]);
  });

  test('a script that is no shell language fails, and those after it are run', async () => {
    const wrong = await run('if then (');
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toMatch(/syntax error/i);
    expect((await run('echo yes')).stdout).toBe('yes\n');
  });

  test('twenty at once are served beside each other', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => run('sleep 0.05; echo "$n"', { n: String(n) })),
    );
    expect(results.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });
});

describe('when it ends', () => {
  test('it waits for a while, and leaves nothing on the host', async () => {
    const shell = await shellOf();
    expect(isAlive(shell)).toBe(true);
    await expect.poll(() => isAlive(shell), { timeout: 20_000 }).toBe(false);
    expect(await shellOf()).not.toBe(shell);
  });

  test('a script that takes too long is given up, may have had an effect, and is in nobody’s way', async () => {
    // The shell goes on with it where its server passes no signals on, and ends with it.
    const shell = await shellOf();
    const failure = await failureOf(run('sleep 3; echo "$$"', {}, { timeoutMs: 300 }));
    expect([failure.diagnostic.code, failure.effect]).toEqual(['host-timeout', 'maybe']);
    expect(await shellOf()).not.toBe(shell);
    await expect.poll(() => isAlive(shell), { timeout: 20_000 }).toBe(false);
  });

  test('a script is given up when the run is interrupted', async () => {
    const stop = new AbortController();
    const running = failureOf(run('sleep 60', {}, { signal: stop.signal }));
    setTimeout(() => stop.abort(), 200);
    expect((await running).diagnostic.code).toBe('interrupted');
    expect((await failureOf(run('echo x', {}, { signal: stop.signal }))).effect).toBe('none');
    expect((await run('echo yes')).stdout).toBe('yes\n');
  });

  test('one that somebody ends under a script is no good end; one that was ended while it waited is not missed', async () => {
    expect(await run('kill -KILL $$; sleep 1')).toMatchObject({ code: undefined, signal: 'KILL' });
    expect((await run('kill -TERM $$; sleep 1')).code).toBeUndefined();
    const shell = await shellOf();
    process.kill(shell, 'SIGKILL');
    await expect.poll(() => isAlive(shell), { timeout: 20_000 }).toBe(false);
    // Our side hears of it a moment after the kernel has.
    await sleep(200);
    expect(await shellOf()).not.toBe(shell);
  });

  test('a connection that is lost under a script may have had an effect, and the next has another', async () => {
    await using own = await startSshd();
    const first = hostOf(own);
    await using open = one(first.declared);
    const away = await open.to(first.name);
    await away.script(':', {}, options);
    const running = failureOf(away.script('sleep 60', {}, options));
    await sleep(300);
    await first.stop();
    expect(await running).toMatchObject({ effect: 'maybe', diagnostic: { code: 'host-connection-lost' } });
    await first.start();
    expect((await away.script('echo again', {}, options)).stdout).toBe('again\n');
  });
});

describe('a host with its own ideas', () => {
  test('MaxSessions 1: a shell that waits gives its session to whoever needs it', async () => {
    await using strict = await startSshd({ config: ['MaxSessions 1'] });
    const first = hostOf(strict);
    await using open = one(first.declared);
    const alone = await open.to(first.name);
    for (let round = 0; round < 3; round += 1) {
      const outputs = await Promise.all([
        alone.script('echo short', {}, options),
        alone.script('echo long', {}, { timeoutMs: 20_000 }),
        alone.script('echo short', {}, options),
      ]);
      expect(outputs.map(({ stdout }) => stdout)).toEqual(['short\n', 'long\n', 'short\n']);
    }
  });

  test('a forced command is told as no shell, whatever it ends with', async () => {
    for (const code of [0, 1]) {
      await using forced = await startSshd({
        config: [`ForceCommand echo "Only backups here"; exit ${code}`],
      });
      await using open = one(hostOf(forced).declared);
      const failure = await failureOf((await open.to('web-1')).script('echo x', {}, options));
      expect(failure).toMatchObject({ effect: 'none', diagnostic: { code: 'host-shell-unusable' } });
      expect(failure.diagnostic.detail).toContain('Only backups here');
    }
  });

  test('start files that print are no part of any output', async () => {
    await using noisy = await startSshd();
    const first = hostOf(noisy);
    writeFileSync(
      join(noisy.folder, first.name, 'home', '.bashrc'),
      'echo "Welcome! \\033[31m"; echo warning >&2\n',
    );
    await using open = one(first.declared);
    const result = await (await open.to(first.name)).script('echo own; echo err >&2', {}, options);
    expect(result).toMatchObject({ stdout: 'own\n', stderr: 'err\n' });
  });
});

describe('whether connections from a host are cheaper than programs there', () => {
  const startEcho = async (path: string) => {
    const server = createServer((socket) => void socket.pipe(socket));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
  };

  test('nothing is known before a script was answered; then it depends on how fast', async () => {
    await using open = one(host.declared);
    const fresh = await open.to(host.name);
    expect(fresh.isNear).toBe(false);
    // The fastest of some, on a machine that does other things too.
    await expect
      .poll(
        async () => {
          await fresh.script(':', {}, options);
          return fresh.isNear;
        },
        { timeout: 20_000 },
      )
      .toBe(true);
  });

  test('they are not where the SSH server makes none, and a program had to', async () => {
    await using closed = await startSshd({ config: ['AllowStreamLocalForwarding no'] });
    const first = hostOf(closed);
    await using open = one(first.declared);
    const away = await open.to(first.name);
    await expect
      .poll(
        async () => {
          await away.script(':', {}, options);
          return away.isNear;
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    const path = join(closed.folder, 'echo.sock');
    await using _ = await startEcho(path);
    (await away.dial({ path }, options)).destroy();
    expect(away.isNear).toBe(false);
  });
});
