/** Users without root, sudo, and login shells that are not POSIX. Each part says what it needs where it cannot run. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type HealthDeclared,
  type HostDeclared,
  type ReleaseDeclared,
  releaseDirectory,
} from '../../src/model/index.ts';
import { hostFiles } from '../../src/providers/balancer/host-files.ts';
import { openHostProvider } from '../../src/providers/host/index.ts';
import { type HostChannels, openHostChannels } from '../../src/transport/index.ts';
import { edge } from '../rig/balancers.ts';
import { realClock } from '../rig/clock.ts';
import {
  declaredWith,
  execProcess,
  origin,
  placeOn,
  releaseOf,
  SlotOperations,
  testContext,
  writeApplication,
} from '../rig/host-world.ts';
import { findProgram, type OtherHost, startOtherHost, whyNoOtherHost } from '../rig/other-host.ts';

const nowhere = whyNoOtherHost();
const withoutSudo = nowhere ?? (findProgram('sudo') === undefined ? 'needs sudo' : undefined);
const shells = ['fish', 'tcsh', 'csh', 'mksh', 'zsh', 'dash', 'bash'].map((name) => ({
  name,
  path: findProgram(name),
}));

let host: OtherHost;
let channels: HostChannels;

beforeAll(async () => {
  if (nowhere !== undefined) return;
  host = await startOtherHost([
    { name: 'deploy', shell: '/bin/sh', sudo: 'all' },
    { name: 'plain', shell: '/bin/sh', sudo: 'none' },
    { name: 'shop', shell: '/usr/sbin/nologin', sudo: 'none' },
    ...shells.flatMap(({ name, path }) =>
      path === undefined ? [] : [{ name: `likes-${name}`, shell: path, sudo: 'none' as const }],
    ),
  ]);
  channels = openHostChannels(
    host.users.map((user) => (user.name.startsWith('likes-') ? withoutBecome(user) : user)),
    { clock: realClock },
  );
});

afterAll(async () => {
  await channels?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

const withoutBecome = (user: HostDeclared): HostDeclared =>
  ({ ...user, connection: { ...user.connection, become: 'none' } }) as HostDeclared;
const options = { timeoutMs: 20_000 };

describe(`login shells${nowhere === undefined ? '' : ` (${nowhere})`}`, () => {
  for (const { name, path } of shells) {
    const missing = nowhere ?? (path === undefined ? `needs ${name}` : undefined);
    test.skipIf(missing !== undefined)(
      `values and input come through ${name}${missing === undefined ? '' : ` (${missing})`}`,
      async () => {
        const channel = await channels.to(`likes-${name}`);
        const value = `it's "x" $HOME \`id\` !! !x \\ \\n \t é \n; end`;
        const result = await channel.script(
          'printf %s "$value"; cat; exit 3',
          { value },
          { ...options, input: 'rest !!\n' },
        );
        expect(result).toEqual({ code: 3, signal: undefined, stdout: `${value}rest !!\n`, stderr: '' });
      },
    );
  }

  test.skipIf(nowhere !== undefined)('a user without a shell is told', async () => {
    const channel = await channels.to('shop');
    await expect(channel.script('echo x', {}, options)).rejects.toMatchObject({
      effect: 'none',
      diagnostic: { code: 'host-shell-unusable', detail: expect.stringMatching(/not available/) },
    });
  });
});

describe(`become = "sudo"${withoutSudo === undefined ? '' : ` (${withoutSudo})`}`, () => {
  test.skipIf(withoutSudo !== undefined)('only privileged scripts run as root', async () => {
    const channel = await channels.to('deploy');
    const who = async (privileged: boolean): Promise<string> =>
      (await channel.script('id -un', {}, { ...options, privileged })).stdout.trim();
    expect([await who(false), await who(true)]).toEqual(['deploy', 'root']);
  });

  test.skipIf(withoutSudo !== undefined)(
    'a user without the right is told which line is missing',
    async () => {
      const channel = await channels.to('plain');
      await expect(channel.script('id', {}, { ...options, privileged: true })).rejects.toMatchObject({
        effect: 'none',
        diagnostic: { code: 'sudo-refused', hint: expect.stringContaining('plain ALL=(root) NOPASSWD') },
      });
    },
  );

  test.skipIf(withoutSudo !== undefined)(
    "a balancer's file below a folder that only root may search is read as root, and never taken for absent",
    async () => {
      const signal = AbortSignal.timeout(20_000);
      const folder = join(host.folder, 'hidden');
      const deploy = await channels.to('deploy');
      await deploy.script(
        'mkdir -p "$folder/in" && chmod 0700 "$folder" && echo "shop a:b:0" > "$folder/in/edge.map"',
        { folder },
        { ...options, privileged: true },
      );
      const file = join(folder, 'in', 'edge.map');
      expect(await hostFiles(deploy, edge).read(file, signal)).toBe('shop a:b:0\n');
      expect(await hostFiles(deploy, edge).read(join(folder, 'in', 'none.map'), signal)).toBeUndefined();
      const plain = hostFiles(await channels.to('plain'), edge);
      expect(await plain.read('/nowhere/below/edge.map', signal)).toBeUndefined();
      await expect(plain.read(file, signal)).rejects.toMatchObject({ diagnostic: { code: 'sudo-refused' } });
    },
  );

  test.skipIf(withoutSudo !== undefined)('a unix socket that only root may open is reached', async () => {
    const channel = await channels.to('deploy');
    const path = join(host.folder, 'root-only.sock');
    await channel.script(
      `perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die "$!"; chmod 0600, $ARGV[0];
        exit 0 if fork; close STDIN; close STDOUT; close STDERR; alarm 30;
        my $c = $s->accept; print $c "got " . <$c>;' "$path"`,
      { path },
      { ...options, privileged: true },
    );
    const stream = await channel.dial({ path }, options);
    stream.write('hello\n');
    let answer = '';
    for await (const chunk of stream) answer += String(chunk);
    expect(answer).toBe('got hello\n');
  });

  test.skipIf(withoutSudo !== undefined)(
    "what is installed belongs to its owner, our own folder to root, and what runs is the owner's",
    async () => {
      const application = await writeApplication(host.folder, '1.0.0');
      const release: ReleaseDeclared = await releaseOf(application, '1.0.0');
      const install = { root: '/srv/shop', keep: 3, owner: 'shop' };
      const declared = declaredWith(host.users, host.folder, release, install, []);
      const provider = openHostProvider(declared, channels, {
        clock: realClock,
        operatorFolder: host.folder,
        resolveSecret: async () => 'canary',
      });
      const slot = new SlotOperations(placeOn('deploy', install), 'blue');
      const directory = releaseDirectory(release);
      const running = {
        release: directory,
        process: execProcess('shop-blue', ['sh', '-c', 'id -un; echo "$HOME $S"; exec sleep 300'], {
          environment: { S: { secret: 's' } },
        }),
      };
      const cx = testContext();
      for (const operation of [
        slot.put(release),
        slot.link(null, directory),
        slot.set(null, running),
        slot.verify(directory, undefined),
        slot.hook(`/srv/shop/releases/${directory}`, ['sh', '-c', 'id -un; touch mine']),
      ]) {
        await provider.perform(operation, cx);
      }
      expect(cx.reported.flatMap((event) => (event.type === 'step_output' ? [event.line] : []))).toEqual([
        'shop',
      ]);
      const channel = await channels.to('deploy');
      const { stdout } = await channel.script(
        'cd /srv/shop && stat -c "%U %n" . .deployctl shared releases "releases/$d" "releases/$d/server.cjs" && tail -n 2 .deployctl/shop-blue/log && stat -c "%U %a" .deployctl/shop-blue/environment',
        { d: directory },
        { ...options, privileged: true },
      );
      expect(stdout.trim().split('\n')).toEqual([
        'root .',
        'root .deployctl',
        'shop shared',
        'root releases',
        `shop releases/${directory}`,
        `shop releases/${directory}/server.cjs`,
        'shop',
        '/home/shop canary',
        'root 600',
      ]);
      const asks = (who: string): HealthDeclared => ({
        kind: 'command',
        argv: ['sh', '-c', `[ "$(id -un) $S" = "${who} canary" ]`],
        user: 'plain',
        intervalMs: 100,
        passes: 1,
        timeoutMs: 10_000,
        deadlineMs: 0,
        origin,
      });
      const checked = (who: string) => provider.checkHealth(slot.verify(directory, asks(who)), cx.signal);
      expect([await checked('plain'), await checked('shop')]).toMatchObject([
        { status: 'healthy' },
        { status: 'unhealthy' },
      ]);
      await provider.perform(slot.set(running, null), cx);
    },
  );
});
