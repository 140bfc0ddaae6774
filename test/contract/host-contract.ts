/**
 * The laws of a provider of hosts, for the whole way of a release: performing twice changes nothing the second time,
 * observing shows what was performed, the inverse restores, what somebody else did is refused. One suite for every kind of
 * process on every kind of host.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Declared,
  type HostDeclared,
  type InstanceState,
  instanceAddress,
  type Operation,
  type ProcessDeclared,
  type RecordedResource,
  type ReleaseDeclared,
  releaseDirectory,
} from '../../src/model/index.ts';
import { type HostProvider, openHostProvider } from '../../src/providers/host/index.ts';
import type { HostChannels } from '../../src/transport/index.ts';
import { realClock } from '../rig/clock.ts';
import {
  declaredWith,
  execProcess,
  httpHealth,
  placeOn,
  SlotOperations,
  scriptProcess,
  testContext,
} from '../rig/host-world.ts';

/** A host to be tried, as the file that started it knows it. */
export interface HostRig {
  readonly host: HostDeclared;
  readonly hosts: readonly HostDeclared[];
  readonly channels: HostChannels;
  /** Of the operator. */
  readonly folder: string;
  /** On the host: every world gets an install root of its own below it. */
  readonly roots: string;
  /** Where its services listen. */
  readonly address: string;
  freePort(): Promise<number>;
  /** Absolute path of Node there. */
  readonly runtime: string;
  /** Of the application of host-world.ts. */
  readonly one: ReleaseDeclared;
  readonly two: ReleaseDeclared;
  readonly secrets: Map<string, string>;
}

export interface HostWorld {
  readonly rig: HostRig;
  readonly provider: HostProvider;
  readonly slot: SlotOperations;
  readonly root: string;
  readonly declared: Declared;
  readonly address: string;
  readonly port: number;
  readonly process: ProcessDeclared;
  state(): Promise<InstanceState | undefined>;
}

let roots = 0;

/** One slot below a root of its own, with a process of this kind. */
export async function openWorld(
  rig: HostRig,
  kind: ProcessDeclared['kind'],
  more: Partial<ProcessDeclared> = {},
): Promise<HostWorld> {
  const { hosts, channels, folder, address, runtime, secrets, one } = rig;
  const host = rig.host.name;
  roots += 1;
  const root = join(rig.roots, `srv ${roots}`);
  const slot = new SlotOperations(placeOn(host, { root, keep: 3 }), 'blue');
  const port = await rig.freePort();
  const process =
    kind === 'script'
      ? scriptProcess('shop-blue', runtime, address, port, more)
      : execProcess('shop-blue', [runtime, 'server.cjs', String(port), address], { kind, ...more } as never);
  const health = httpHealth(address, port);
  const declared = declaredWith(hosts, folder, one, slot.place.install, [
    { slot: 'blue', host, process, health },
  ]);
  const provider = openHostProvider(declared, channels, {
    clock: realClock,
    operatorFolder: folder,
    lineage: 'test-lineage',
    resolveSecret: async (name) => secrets.get(name) ?? '',
  });
  return {
    ...{ rig, provider, slot, root, declared, address, port, process },
    async state() {
      const { observations } = await provider.observe(declared, new AbortController().signal);
      const wanted = instanceAddress(slot.place.service, 'blue', host);
      const found = observations.find((each) => each.address === wanted);
      if (found?.kind !== 'instance') throw new Error('not observed');
      if (found.status === 'unknown') throw new Error(found.why.detail);
      return found.status === 'present' ? found.spec : undefined;
    },
  };
}

/**
 * Law: before, after, after again; and what was done twice was done once. What the looks that it spares have seen is what
 * an own look sees.
 */
export async function performs(provider: HostProvider, operation: Operation): Promise<void> {
  const cx = testContext();
  const before = await provider.look(operation, cx);
  if (before.at !== 'before') throw new Error(`${operation.op} before: ${JSON.stringify(before)}`);
  const told: (readonly RecordedResource[])[] = [];
  await provider.perform(operation, cx, { before, after: (seen) => told.push(seen) });
  const seen = withoutFreeBytes(await provider.seen(operation, cx));
  expect(told.map(withoutFreeBytes), `${operation.op} told`).toEqual([seen]);
  const after = await provider.look(operation, cx);
  expect(after, `${operation.op} after`).toMatchObject({ at: 'after' });
  if (after.at === 'after') expect(withoutFreeBytes(after.seen)).toEqual(seen);
  await provider.perform(operation, cx);
  expect(await provider.look(operation, cx), `${operation.op} twice`).toMatchObject({ at: 'after' });
}

/** Others write to the same disk. */
const withoutFreeBytes = (seen: readonly RecordedResource[] | undefined) =>
  seen?.map((each) => (each.kind === 'inventory' ? { ...each, spec: each.spec?.releases } : each));

const ask = async (
  at: HostWorld,
  path = '/',
): Promise<{ version: string; folder: string; env: Record<string, string> }> =>
  (await (await fetch(`http://${at.address}:${at.port}${path}`)).json()) as never;

/** `rig` is asked when a test begins, after the file's own beforeAll. */
export function describeHost(name: string, kind: ProcessDeclared['kind'], rig: () => HostRig): void {
  describe(name, () => {
    test('the whole way of a release there and back, each step twice', async () => {
      const at = await openWorld(rig(), kind, {
        environment: { GREETING: "it's $HOME", TOKEN: { secret: 'token' } },
      });
      const { one, two, secrets } = at.rig;
      const { provider, slot } = at;
      const first = releaseDirectory(one);
      const second = releaseDirectory(two);
      const runsFirst = { release: first, process: at.process };
      const runsSecond = { release: second, process: at.process };
      expect(await at.state()).toBeUndefined();

      await performs(provider, slot.put(one));
      await performs(provider, slot.link(null, first));
      expect(await at.state()).toEqual({
        linked: first,
        running: null,
        tampered: null,
        health: { status: 'not_checked' },
      });
      await performs(provider, slot.set(null, runsFirst));
      await provider.perform(slot.verify(first, httpHealth(at.address, at.port)), testContext());
      expect(await at.state()).toEqual({
        linked: first,
        running: runsFirst,
        tampered: null,
        health: { status: 'healthy' },
      });
      const answer = await ask(at);
      expect(answer.version).toBe('1.0.0');
      expect(answer.folder).toBe(`${at.root}/releases/${first}`);
      expect(answer.env).toMatchObject({ GREETING: "it's $HOME", TOKEN: secrets.get('token') });
      expect(answer.env.PATH).toMatch(/^\/[^:]*(:\/[^:]*)*$/);

      // The next release: the link moves, and what runs is still what it was started with.
      await performs(provider, slot.put(two));
      await performs(provider, slot.link(first, second));
      expect(await at.state()).toMatchObject({ linked: second, running: runsFirst });
      await performs(provider, slot.set(runsFirst, runsSecond));
      await provider.perform(slot.verify(second, httpHealth(at.address, at.port)), testContext());
      expect((await ask(at)).version).toBe('2.0.0');

      // And back: each inverse is the same operation the other way round.
      await performs(provider, slot.set(runsSecond, runsFirst));
      await performs(provider, slot.link(second, first));
      await performs(provider, slot.remove(two));
      await provider.perform(slot.verify(first, httpHealth(at.address, at.port)), testContext());
      expect((await ask(at)).version).toBe('1.0.0');
      await performs(provider, slot.set(runsFirst, null));
      await performs(provider, slot.link(first, null));
      expect(await at.state()).toBeUndefined();
      await expect(fetch(`http://${at.address}:${at.port}/`)).rejects.toThrow();
    });

    test('what the step left behind is seen, to be recorded', async () => {
      const at = await openWorld(rig(), kind);
      const { one } = at.rig;
      const cx = testContext();
      const directory = releaseDirectory(one);
      await at.provider.perform(at.slot.put(one), cx);
      expect(await at.provider.seen(at.slot.put(one), cx)).toEqual([
        {
          kind: 'inventory',
          address: `service.shop.install.host["${at.slot.place.host}"]`,
          spec: { releases: [{ directory, sha256: one.artifact.sha256 }], freeBytes: expect.any(Number) },
        },
      ]);
      const link = at.slot.link(null, directory);
      await at.provider.perform(link, cx);
      expect(await at.provider.seen(link, cx)).toEqual([
        {
          kind: 'instance',
          address: at.slot.instance,
          spec: { linked: directory, running: null, tampered: null, health: { status: 'not_checked' } },
        },
      ]);
      const back = at.slot.link(directory, null);
      await at.provider.perform(back, cx);
      expect(await at.provider.seen(back, cx)).toEqual([
        { kind: 'instance', address: at.slot.instance, spec: null },
      ]);
    });

    test('no secret is in a file that others can read, in a record or in an argument list', async () => {
      const at = await openWorld(rig(), kind, { environment: { TOKEN: { secret: 'token' } } });
      const { one } = at.rig;
      const cx = testContext();
      await at.provider.perform(at.slot.put(one), cx);
      await at.provider.perform(at.slot.link(null, releaseDirectory(one)), cx);
      await at.provider.perform(
        at.slot.set(null, { release: releaseDirectory(one), process: at.process }),
        cx,
      );
      const channel = await at.rig.channels.to(at.slot.place.host);
      const { stdout } = await channel.script(
        `cd "$root/.deployctl" || exit 9
      grep -rl canary-secret . | while read -r file; do ls -l "$file" | cut -c1-10; done
      cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '^canary-secre[t]'`,
        { root: at.root },
        { timeoutMs: 20_000, privileged: true },
      );
      // For systemd there are two: one as it reads it, and one as hooks and checks do.
      const lines = stdout.trim().split('\n');
      expect([...new Set(lines)]).toEqual(['-rw-------', '0']);
      expect(JSON.stringify(await at.state())).not.toContain('canary-secret');
      await at.provider.perform(
        at.slot.set({ release: releaseDirectory(one), process: at.process }, null),
        cx,
      );
    });

    test('a secret that has another value now shows as a difference, and not its value', async () => {
      const at = await openWorld(rig(), kind, { environment: { TOKEN: { secret: 'rotated' } } });
      const { one, secrets } = at.rig;
      const cx = testContext();
      secrets.set('rotated', 'before');
      const running = { release: releaseDirectory(one), process: at.process };
      await at.provider.perform(at.slot.put(one), cx);
      await at.provider.perform(at.slot.link(null, releaseDirectory(one)), cx);
      await at.provider.perform(at.slot.set(null, running), cx);
      expect((await at.state())?.running).toEqual(running);
      secrets.set('rotated', 'after');
      const seen = (await at.state())?.running;
      expect(seen?.process.environment.TOKEN).toEqual({ secret: 'rotated (an earlier value)' });
      if (seen == null) throw new Error('it does not run');
      await at.provider.perform(at.slot.set(seen, running), cx);
      expect((await at.state())?.running).toEqual(running);
      await at.provider.perform(at.slot.set(running, null), cx);
    });

    test('a start that fails ends by name, with the last words of its log; the way back is open', async () => {
      const at = await openWorld(rig(), kind);
      const { one } = at.rig;
      const cx = testContext();
      const directory = releaseDirectory(one);
      const good = { release: directory, process: at.process };
      const broken = {
        release: directory,
        process: {
          ...at.process,
          ...(at.process.kind === 'script'
            ? { start: ['sh', '-c', 'echo starting; echo "no \x1b[2Jdatabase" >&2; exit 7'] }
            : { command: ['sh', '-c', 'echo starting; echo "no \x1b[2Jdatabase" >&2; exit 7'] }),
        } as ProcessDeclared,
      };
      await at.provider.perform(at.slot.put(one), cx);
      await at.provider.perform(at.slot.link(null, directory), cx);
      await at.provider.perform(at.slot.set(null, good), cx);
      const operation = at.slot.set(good, broken);
      await expect(at.provider.perform(operation, cx)).rejects.toMatchObject({
        effect: 'maybe',
        diagnostic: {
          code: 'process-start-failed',
          detail: expect.stringMatching(/code 7[\s\S]*starting[\s\S]*no ␛\[2Jdatabase/),
        },
      });
      expect((await at.state())?.running).toBeNull();
      expect(await at.provider.look(operation, cx)).toMatchObject({ at: 'before' });
      await performs(at.provider, at.slot.set(broken, good));
      await at.provider.perform(at.slot.set(good, null), cx);
    });

    test('a process that somebody else started is left alone', async () => {
      const at = await openWorld(rig(), kind);
      const { one } = at.rig;
      const cx = testContext();
      const directory = releaseDirectory(one);
      await at.provider.perform(at.slot.put(one), cx);
      await at.provider.perform(at.slot.link(null, directory), cx);
      const theirs = { release: directory, process: { ...at.process, environment: { BY: 'somebody' } } };
      await at.provider.perform(at.slot.set(null, theirs), cx);
      const ours = at.slot.set(null, { release: directory, process: at.process });
      expect(await at.provider.look(ours, cx)).toMatchObject({ at: 'elsewhere' });
      await expect(at.provider.perform(ours, cx)).rejects.toMatchObject({
        effect: 'none',
        diagnostic: { code: 'process-changed-elsewhere' },
      });
      expect((await at.state())?.running).toEqual(theirs);
      await at.provider.perform(at.slot.set(theirs, null), cx);
    });

    test('an older run of the same lineage is refused, another lineage is noted', async () => {
      const at = await openWorld(rig(), kind);
      const { one, two } = at.rig;
      await at.provider.perform(
        at.slot.put(one),
        testContext({ fence: { lineage: 'test-lineage', run: 8 } }),
      );
      const late = testContext({ fence: { lineage: 'test-lineage', run: 7 } });
      for (const operation of [
        at.slot.put(two),
        at.slot.link(null, releaseDirectory(one)),
        at.slot.set(null, { release: releaseDirectory(one), process: at.process }),
        at.slot.remove(one),
      ]) {
        await expect(at.provider.perform(operation, late), operation.op).rejects.toMatchObject({
          effect: 'none',
          diagnostic: { code: 'fence-newer' },
        });
      }
      expect(await at.state()).toBeUndefined();
      await at.provider.perform(at.slot.put(one), testContext({ fence: { lineage: 'other', run: 1 } }));
      await at.provider.perform(
        at.slot.link(null, releaseDirectory(one)),
        testContext({ fence: { lineage: 'other', run: 1 } }),
      );
      const { notes } = await at.provider.observe(at.declared, new AbortController().signal);
      expect(notes.map((note) => note.code)).toContain('host-other-lineage');
    });
  });
}
