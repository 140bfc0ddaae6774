/** The laws of `Provider` for load balancers: one suite, run against every kind of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  audienceRules,
  type BalancerDeclared,
  canonicalAudience,
  memberAddress,
  type Observation,
  type Operation,
  type Provider,
  type RouteValue,
  routeAddress,
} from '../../src/model/index.ts';
import type { HostChannels } from '../../src/transport/index.ts';
import { type Backend, startBackend } from '../rig/backend.ts';
import { context, counted, declaring, edge, far } from '../rig/balancers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { startTraffic, type TrafficFigures, type TrafficOptions } from '../rig/traffic.ts';
import { testDeaths } from './balancer-deaths.ts';

/** One running balancer, and what a test must be able to do to it behind the provider's back. */
export interface BalancerUnderTest extends AsyncDisposable {
  readonly declared: BalancerDeclared;
  /** Where it takes requests. */
  readonly port: number;
  /** Requests a second that it is held to in the test under load. */
  readonly rate: number;
  /** `through`: what stands between the provider and its hosts. */
  open(through?: (channels: HostChannels) => HostChannels): Provider;
  /** Its hosts without the programs by which a switch is a few scripts: it is made call by call, and can die between them. */
  readonly callByCall?: (channels: HostChannels) => HostChannels;
  /** What somebody does by hand at run time, past deployctl. */
  setRouteByHand(route: string, value: RouteValue): Promise<void>;
  /** What somebody edits in what it starts from. */
  editPersistedByHand(route: string, value: RouteValue): Promise<void>;
  setMemberByHand(pool: string, member: string, admin: 'ready' | 'drain' | 'maint'): Promise<void>;
  /** Ends it as the kernel would, without warning. */
  kill9(): Promise<void>;
  start(): Promise<void>;
  /** What it does to load its configuration; undefined: it has no such thing. */
  readonly reload: (() => Promise<void>) | undefined;
}

export interface Backends {
  readonly blue: Backend;
  readonly green: Backend;
}

const allTo = (name: string): RouteValue => ({ stable: name, canary: name, canaryBasisPoints: 0 });
const blue = allTo('shop_blue');
const green = allTo('shop_green');
const move = (from: RouteValue | null, to: RouteValue | null, persisted = from): Operation => ({
  op: 'route.set',
  balancer: edge,
  route: 'shop',
  from: { runtime: from, persisted },
  to,
});
const memberSet = (from: 'ready' | 'drain' | 'maint', to: 'ready' | 'drain' | 'maint'): Operation => ({
  op: 'member.set',
  balancer: edge,
  pool: 'shop_green',
  member: 'web-1',
  from,
  to,
});

/** What must be known of a kind before one is started. */
export interface BalancerFacts {
  readonly isAvailable?: boolean;
  /** It reads files for each request: what it decides by is what a restart brings. */
  readonly readsFlags?: boolean;
  /** Its members are in its configuration, and it counts nothing of its pools. Default: where it reads flags. */
  readonly membersFixed?: boolean;
  /** What runs and what is kept are written one after the other. Default: where it does not read flags. */
  readonly writesTwice?: boolean;
  /** Some clients see an error in a switch, as its traits say. */
  readonly switchCosts?: boolean;
  /** How many scripts a switch is on this machine. Default: three, the second of which writes and looks. 0: it needs none. */
  readonly scriptsHere?: number;
}

export function describeBalancer(
  name: string,
  start: (backends: Backends) => Promise<BalancerUnderTest>,
  {
    isAvailable = true,
    readsFlags = false,
    membersFixed = readsFlags,
    writesTwice = !readsFlags,
    switchCosts = false,
    scriptsHere = 3,
  }: BalancerFacts = {},
): void {
  describe.skipIf(!isAvailable)(`${name} as a load balancer`, () => {
    let backends: Backends;
    let running: BalancerUnderTest;
    let provider: Provider;

    beforeAll(async () => {
      backends = { blue: await startBackend('blue'), green: await startBackend('green') };
      running = await start(backends);
      provider = running.open();
      await settled();
    });
    afterAll(async () => {
      await running?.[Symbol.asyncDispose]();
      await backends?.blue[Symbol.asyncDispose]();
      await backends?.green[Symbol.asyncDispose]();
    });

    const settled = async (): Promise<void> => {
      for (const pool of ['shop_blue', 'shop_green']) {
        await provider.perform(
          { op: 'pool.settle', balancer: edge, pool, members: ['web-1'], withinMs: 10_000 },
          context(),
        );
      }
    };
    const observe = async (): Promise<readonly Observation[]> =>
      (await provider.observe(declaring(running.declared), new AbortController().signal)).observations;
    const route = async (): Promise<Observation | undefined> =>
      (await observe()).find(({ address }) => address === routeAddress(edge, 'shop'));
    const routeIs = (value: RouteValue) => ({
      status: 'present',
      spec: { runtime: value, persisted: value, disagreeing: [] },
    });
    const member = async (): Promise<Observation | undefined> =>
      (await observe()).find(({ address }) => address === memberAddress(edge, 'shop_green', 'web-1'));
    const served = async (headers: Readonly<Record<string, string>> = {}, path = '/'): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${running.port}${path}`, {
        headers: { connection: 'close', ...headers },
      });
      await answer.arrayBuffer();
      return answer.headers.get('x-served-by') ?? String(answer.status);
    };
    /** Puts the route where a test wants it, whatever the one before left. */
    const startFrom = async (value: RouteValue | null): Promise<void> => {
      const now = await route();
      const spec =
        now?.status === 'present' && now.kind === 'route' ? now.spec : { runtime: null, persisted: null };
      await provider.perform(
        { op: 'route.set', balancer: edge, route: 'shop', from: spec, to: value },
        context(),
      );
    };
    test('a route that was never set is absent, and its requests are refused rather than sent anywhere', async () => {
      await startFrom(null);
      expect(await route()).toMatchObject({ status: 'absent' });
      expect(await served()).toBe('503');
    });

    test('a route that is set is observed at run time and for a restart, and requests follow it', async () => {
      await startFrom(null);
      await provider.perform(move(null, blue), context());
      expect(await route()).toMatchObject(routeIs(blue));
      expect(await served()).toBe('blue');
      expect(await provider.seen(move(null, blue), context())).toMatchObject([
        { kind: 'route', spec: { runtime: blue, persisted: blue } },
      ]);
    });

    test('performing a switch twice changes nothing the second time, and looking says so', async () => {
      await startFrom(blue);
      expect(await provider.look(move(blue, green), context())).toEqual({ at: 'before' });
      await provider.perform(move(blue, green), context());
      expect(await provider.look(move(blue, green), context())).toEqual({ at: 'after' });
      await provider.perform(move(blue, green), context());
      expect(await route()).toMatchObject(routeIs(green));
      expect(await served()).toBe('green');
    });

    test.skipIf(scriptsHere === 0)(
      'a switch starts few scripts on its host: requests wait for each program there, and a far host for each way there and back',
      async () => {
        for (const [through, most] of [
          [(channels: HostChannels) => channels, { scripts: scriptsHere }],
          [far, { scripts: 3, dials: 0 }],
        ] as const) {
          await startFrom(blue);
          const counts = { scripts: 0, dials: 0 };
          const watched = running.open((channels) => counted(through(channels), counts));
          await watched.perform(move(blue, green), context());
          expect(counts).toMatchObject(most);
          expect(await served()).toBe('green');
        }
      },
    );

    test('the inverse of a switch restores, and the inverse of a first one removes the route again', async () => {
      await startFrom(null);
      await provider.perform(move(null, blue), context());
      await provider.perform(move(blue, green), context());
      await provider.perform(move(green, blue), context());
      expect(await served()).toBe('blue');
      await provider.perform(move(blue, null), context());
      expect(await route()).toMatchObject({ status: 'absent' });
    });

    test('a share goes to the canary within the bounds of chance, and back to none at once', async () => {
      await startFrom(blue);
      const quarter = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 2500 };
      await provider.perform(move(blue, quarter), context());
      const sides = await Promise.all(Array.from({ length: 400 }, () => served()));
      const canary = sides.filter((side) => side === 'green').length;
      expect(canary).toBeGreaterThan(60);
      expect(canary).toBeLessThan(145);
      await provider.perform(move(quarter, blue), context());
      expect(new Set(await Promise.all(Array.from({ length: 50 }, () => served())))).toEqual(
        new Set(['blue']),
      );
    });

    test('an audience always gets the canary while the share is small, and the others get it by share', async () => {
      await startFrom(blue);
      const rules = canonicalAudience(audienceRules({ 'X-Beta': '1' }, { plan: 'pro' }, { beta: 'v1.2' }));
      const beta = {
        stable: 'shop_blue',
        canary: 'shop_green',
        canaryBasisPoints: 0,
        ...(rules && { audience: rules }),
      };
      await provider.perform(move(blue, beta), context());
      expect(await route()).toMatchObject(routeIs(beta));
      const sides = async (
        headers: Readonly<Record<string, string>>,
        path?: string,
      ): Promise<ReadonlySet<string>> =>
        new Set(await Promise.all(Array.from({ length: 12 }, () => served(headers, path))));
      expect(await sides({ 'x-beta': '1' })).toEqual(new Set(['green']));
      expect(await sides({ cookie: 'a=b; plan=pro; c=d' })).toEqual(new Set(['green']));
      expect(await sides({ 'x-beta': '11' })).toEqual(new Set(['blue']));
      expect(await sides({ cookie: 'xplan=pro; plan=probation' })).toEqual(new Set(['blue']));
      for (const path of ['/?beta=v1.2', '/a?b=c&beta=v1.2&d', '/?beta=v1&beta=v1.2']) {
        expect([path, await sides({}, path)]).toEqual([path, new Set(['green'])]);
      }
      for (const path of ['/?beta=v1x2', '/?xbeta=v1.2', '/?beta=v1.20', '/?BETA=v1.2', '/beta=v1.2']) {
        expect([path, await sides({}, path)]).toEqual([path, new Set(['blue'])]);
      }
      await provider.perform(move(beta, blue), context());
      expect(await sides({ 'x-beta': '1', cookie: 'plan=pro' }, '/?beta=v1.2')).toEqual(new Set(['blue']));
    });

    test('a user with the sticky cookie moves to the canary once while its share grows, and back once', async () => {
      await startFrom(blue);
      const users = Array.from(
        { length: 60 },
        (_, index) => `uid=${(index * 7919 + 1e9).toString(16)}${index}`,
      );
      const sides = (): Promise<readonly string[]> => Promise.all(users.map((cookie) => served({ cookie })));
      let now = blue;
      let before = await sides();
      expect(new Set(before)).toEqual(new Set(['blue']));
      for (const percent of [10, 40, 80]) {
        const next = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: percent * 100 };
        await provider.perform(move(now, next), context());
        const after = await sides();
        expect(await sides()).toEqual(after);
        expect(before.filter((side, index) => side === 'green' && after[index] !== 'green')).toEqual([]);
        expect(after.filter((side) => side === 'green').length).toBeGreaterThan(
          before.filter((side) => side === 'green').length,
        );
        [now, before] = [next, after];
      }
      await provider.perform(move(now, blue), context());
      expect(new Set(await sides())).toEqual(new Set(['blue']));
    });

    test('an audience that the configuration does not know is refused before anything is written', async () => {
      await startFrom(blue);
      const rules = canonicalAudience(audienceRules({ 'X-Other': '1' }));
      const failure = await failureOf(
        provider.perform(
          move(blue, { ...blue, canary: 'shop_green', ...(rules && { audience: rules }) }),
          context(),
        ),
      );
      expect([failure.diagnostic.code, failure.effect]).toEqual(['balancer-audience-unknown', 'none']);
      expect(failure.diagnostic.detail).toContain('header x-other = 1');
      expect(await route()).toMatchObject(routeIs(blue));
    });

    test('a canary whose only member died is left out: its share is served by the stable pool', async () => {
      await startFrom(blue);
      const half = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 5000 };
      await provider.perform(move(blue, half), context());
      await backends.green.kill();
      await expect
        .poll(async () => (await member())?.status === 'present' && (await member()), { timeout: 10_000 })
        .toMatchObject({ spec: { up: false } });
      expect(new Set(await Promise.all(Array.from({ length: 30 }, () => served())))).toEqual(
        new Set(['blue']),
      );
      await backends.green.restart();
      await settled();
    });

    test('a route that somebody changed at run time is seen, and a switch that did not see it is refused', async () => {
      await startFrom(blue);
      await running.setRouteByHand('shop', green);
      const persisted = readsFlags ? green : blue;
      expect(await route()).toMatchObject({ spec: { runtime: green, persisted } });
      const other = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 100 };
      expect(await provider.look(move(blue, other), context())).toMatchObject({ at: 'elsewhere' });
      const failure = await failureOf(provider.perform(move(blue, other), context()));
      expect(failure.effect).toBe('none');
      expect(failure.diagnostic.code).toBe('route-changed');
      expect(failure.diagnostic.detail).toContain('shop_green');
      expect(await served()).toBe('green');
      // Seen by the plan, it can be mended.
      await provider.perform(move(green, blue, persisted), context());
      expect(await route()).toMatchObject(routeIs(blue));
    });

    test.skipIf(readsFlags)(
      'what it starts from, changed by hand, is seen before a restart makes it true, and mended',
      async () => {
        await startFrom(blue);
        await running.editPersistedByHand('shop', green);
        expect(await route()).toMatchObject({ spec: { runtime: blue, persisted: green } });
        const failure = await failureOf(provider.perform(move(blue, allTo('shop_other'), blue), context()));
        expect(failure.diagnostic.code).toBe('route-changed');
        await provider.perform(move(blue, blue, green), context());
        expect(await route()).toMatchObject(routeIs(blue));
      },
    );

    test('a pool that does not exist is refused before anything is written', async () => {
      await startFrom(blue);
      const failure = await failureOf(provider.perform(move(blue, allTo('shop_purple')), context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['balancer-pool-missing', 'none']);
      expect(await route()).toMatchObject(routeIs(blue));
    });

    test('a pool with no member up is refused before anything is written', async () => {
      await startFrom(blue);
      await backends.green.kill();
      await expect.poll(member).toMatchObject({ spec: { up: false } });
      const failure = await failureOf(provider.perform(move(blue, green), context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['balancer-pool-down', 'none']);
      expect(await served()).toBe('blue');
      await backends.green.restart();
      await settled();
    });

    test('waiting for a pool whose service does not answer ends with the reason, and nothing is changed', async () => {
      await startFrom(blue);
      await backends.green.kill();
      await expect.poll(member).toMatchObject({ spec: { up: false } });
      const settle: Operation = {
        op: 'pool.settle',
        balancer: edge,
        pool: 'shop_green',
        members: ['web-1'],
        withinMs: 400,
      };
      const failure = await failureOf(provider.perform(settle, context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['pool-not-up', 'none']);
      expect(failure.diagnostic.detail).toContain('web-1');
      await backends.green.restart();
      await settled();
    });

    test.skipIf(membersFixed)(
      'a member is drained, taken out and brought back by way of its check',
      async () => {
        await startFrom(blue);
        for (const [from, to] of [
          ['ready', 'drain'],
          ['drain', 'maint'],
          ['maint', 'ready'],
        ] as const) {
          await provider.perform(memberSet(from, to), context());
          expect(await member()).toMatchObject({ spec: { admin: to } });
          expect(await provider.look(memberSet(from, to), context())).toEqual({ at: 'after' });
          await provider.perform(memberSet(from, to), context());
        }
        expect(await member()).toMatchObject({ spec: { admin: 'ready', up: true, sessions: 0 } });
      },
    );

    test.skipIf(membersFixed)(
      'a member that is brought back while its service is dead gets no request, and the failure says why',
      async () => {
        await startFrom(blue);
        await provider.perform(memberSet('ready', 'maint'), context());
        await backends.green.kill();
        const controller = new AbortController();
        const attempt = failureOf(
          provider.perform(memberSet('maint', 'ready'), context({ signal: controller.signal })),
        );
        await sleep(3000);
        expect(await member()).toMatchObject({ spec: { admin: 'drain' } });
        controller.abort();
        expect((await attempt).effect).toBe('maybe');
        await backends.green.restart();
        await provider.perform(memberSet('maint', 'ready'), context());
        expect(await member()).toMatchObject({ spec: { admin: 'ready', up: true } });
      },
    );

    test.skipIf(membersFixed)('a member that somebody took out in between is not touched', async () => {
      await running.setMemberByHand('shop_green', 'web-1', 'maint');
      const failure = await failureOf(provider.perform(memberSet('ready', 'drain'), context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['member-changed', 'none']);
      expect(await member()).toMatchObject({ spec: { admin: 'maint' } });
      await provider.perform(memberSet('maint', 'ready'), context());
    });

    test('a pool drains when its last request is answered, and at the deadline it says what is left and goes on', async () => {
      await startFrom(green);
      const held = backends.green.untilHeld(4);
      const ask = (): Promise<string> =>
        fetch(`http://127.0.0.1:${running.port}/held`).then((answer) => answer.text());
      const long = Promise.all([ask(), ask(), ask(), ask()]);
      await held;
      await provider.perform(move(green, blue), context());
      const texts: string[] = [];
      const drain = (withinMs: number): Operation => ({
        op: 'pool.drain',
        balancer: edge,
        pool: 'shop_green',
        withinMs,
      });
      // Where sessions are connections, a check by the proxy is one too, for as long as it takes.
      const atDeadline = async (): Promise<string | undefined> => {
        await provider.perform(drain(300), context({ texts }));
        return texts.at(-1);
      };
      await expect.poll(atDeadline).toMatch(/^4 left after 0\.3 s \(web-1 4\)/);
      texts.length = 0;
      const drained = provider.perform(drain(30_000), context({ texts }));
      await expect.poll(() => texts.at(-1)).toMatch(/^4 left \(web-1 4\)/);
      backends.green.release();
      await drained;
      expect(texts.at(-1)).toBe('no session is left');
      expect(await long).toEqual(['green', 'green', 'green', 'green']);
    });

    test.skipIf(membersFixed)(
      'a member with a stuck request is waited for to the deadline, which is named; it gets nothing new, and ends what it has',
      async () => {
        await startFrom(green);
        const held = backends.green.untilHeld();
        const long = fetch(`http://127.0.0.1:${running.port}/held`).then((answer) => answer.text());
        await held;
        await provider.perform(memberSet('ready', 'drain'), context());
        const texts: string[] = [];
        const drain = (withinMs: number): Operation => ({
          op: 'pool.drain',
          balancer: edge,
          pool: 'shop_green',
          member: 'web-1',
          withinMs,
        });
        await provider.perform(drain(300), context({ texts }));
        expect(texts.at(-1)).toMatch(/1 left after 0\.3 s \(web-1 1\): they will be cut/);
        expect((await fetch(`http://127.0.0.1:${running.port}/`)).status).toBe(503);
        backends.green.release();
        expect(await long).toBe('green');
        await provider.perform(drain(30_000), context({ texts }));
        expect(texts.at(-1)).toBe('no session is left');
        await provider.perform(memberSet('drain', 'ready'), context());
        expect(await served()).toBe('green');
      },
    );

    test('a pool that still gets requests is not drained, but waited for as long as a way back may', async () => {
      await startFrom(green);
      const drain: Operation = { op: 'pool.drain', balancer: edge, pool: 'shop_green', withinMs: 1000 };
      const failure = await failureOf(provider.perform(drain, context()));
      expect([failure.diagnostic.code, failure.effect]).toEqual(['pool-still-routed', 'none']);
      await provider.perform({ ...drain, mayBeRouted: true }, context());
      expect(await served()).toBe('green');
    });

    test('a route is what was last acknowledged after a kill -9 and a start', async () => {
      await startFrom(blue);
      await provider.perform(move(blue, green), context());
      await running.kill9();
      expect(await route()).toMatchObject({ status: 'unknown' });
      expect(await provider.look(move(green, blue), context())).toMatchObject({ at: 'unknown' });
      const failure = await failureOf(provider.perform(move(green, blue), context()));
      expect(failure.effect).toBe('none');
      await running.start();
      expect(await route()).toMatchObject(routeIs(green));
      await settled();
      expect(await served()).toBe('green');
    });

    test('a reload after a step leaves the route as it was acknowledged, and the next step works', async () => {
      await startFrom(blue);
      for (const [from, to] of [
        [blue, green],
        [green, blue],
      ] as const) {
        await provider.perform(move(from, to), context());
        await running.reload?.();
        const side = to === blue ? 'blue' : 'green';
        await expect
          .poll(async () => new Set(await Promise.all(Array.from({ length: 20 }, () => served()))), {
            timeout: 10_000,
          })
          .toEqual(new Set([side]));
        await settled();
        expect(await route()).toMatchObject({ spec: { runtime: to, persisted: to } });
      }
    });

    test('a reload in the middle of a canary takes nobody back from it, on a kept connection or a new one', async () => {
      await startFrom(blue);
      // All of it, so that every answer of the stable pool is one too many.
      const canary = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 10_000 };
      await provider.perform(move(blue, canary), context());
      const traffic = startTraffic(
        { port: running.port, rate: 300, keepAlive: 32, freshShare: 0.2, slow: 0, upgraded: 0 },
        'green',
      );
      for (let reloads = 0; reloads < 2; reloads += 1) {
        await sleep(200);
        await running.reload?.();
      }
      await sleep(500);
      expect(await traffic.stop()).toMatchObject({
        wrong: 0,
        stale: 0,
        bySide: { green: expect.any(Number) },
      });
    });

    test.runIf(membersFixed)('what it cannot do is in its traits, and refused', async () => {
      expect(provider.traits).toMatchObject({
        drainsMembers: false,
        countsRequests: false,
        shareStepBasisPoints: 100,
      });
      expect(provider.traffic).toBeUndefined();
      const member = await failureOf(provider.perform(memberSet('ready', 'drain'), context()));
      expect([member.diagnostic.code, member.effect]).toEqual(['balancer-members-fixed', 'none']);
      await startFrom(blue);
      const tooFine = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 50 };
      const share = await failureOf(provider.perform(move(blue, tooFine), context()));
      expect([share.diagnostic.code, share.effect]).toEqual(['balancer-share-too-fine', 'none']);
      expect(await route()).toMatchObject(routeIs(blue));
    });

    test('two switches at once: one wins, the other is refused, and everything agrees on the winner', async () => {
      await startFrom(blue);
      const other = { stable: 'shop_blue', canary: 'shop_green', canaryBasisPoints: 5000 };
      const results = await Promise.allSettled([
        provider.perform(move(blue, green), context({ lineage: 'ours' })),
        running.open().perform(move(blue, other), context({ lineage: 'theirs' })),
      ]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await route()).toMatchObject(routeIs(results[0]?.status === 'fulfilled' ? green : other));
    });

    test('a run that is older than the newest seen is refused', async () => {
      await startFrom(blue);
      await provider.perform(move(blue, green), context({ lineage: 'fenced', run: 7 }));
      const failure = await failureOf(
        provider.perform(move(green, blue), context({ lineage: 'fenced', run: 6 })),
      );
      expect([failure.diagnostic.code, failure.effect]).toEqual(['run-outdated', 'none']);
    });

    test.skipIf(membersFixed)(
      'its own counters tell requests and failures of each pool since the first look',
      async () => {
        await startFrom(blue);
        const fresh = running.open();
        await fresh.traffic?.(edge, new AbortController().signal);
        await Promise.all(Array.from({ length: 20 }, () => served()));
        await fetch(`http://127.0.0.1:${running.port}/drop`);
        const counted = await fresh.traffic?.(edge, new AbortController().signal);
        expect(counted?.find((each) => each.pool === 'shop_blue')).toMatchObject({
          requests: 21,
          failed: 1,
          sessions: 0,
        });
        expect(counted?.find((each) => each.pool === 'shop_green')).toMatchObject({ requests: 0, failed: 0 });
      },
    );

    testDeaths({
      running: () => running,
      provider: () => provider,
      startFrom,
      settled,
      route,
      served,
      readsFlags,
      writesTwice,
    });

    /** There and back, so many times, while clients come all the time. `before`: what happens just before each switch. */
    const switchUnderLoad = async (
      load: Pick<TrafficOptions, 'keepAlive' | 'freshShare' | 'slow' | 'upgraded'>,
      options: {
        readonly switches: number;
        readonly pauseMs: number;
        readonly before?: (() => Promise<void>) | undefined;
      },
    ): Promise<TrafficFigures> => {
      await startFrom(blue);
      const traffic = startTraffic({ ...load, port: running.port, rate: running.rate }, 'blue');
      await sleep(300);
      let now = blue;
      for (let index = 0; index < options.switches; index += 1) {
        const next = now === blue ? green : blue;
        const side = next === blue ? 'blue' : 'green';
        await options.before?.();
        traffic.expectBoth(side);
        await provider.perform(move(now, next), context());
        traffic.acknowledge(side);
        now = next;
        await sleep(options.pauseMs);
      }
      return traffic.stop();
    };

    test.runIf(switchCosts)(
      'switches under load cost some connections, as is said; nothing is wrong, and nothing is stale once it is done',
      async () => {
        expect(provider.traits.switchCost).toBeDefined();
        const load = { keepAlive: 16, freshShare: 0.2, slow: 2, upgraded: 2 };
        const figures = await switchUnderLoad(load, { switches: 8, pauseMs: 100 });
        expect(figures).toMatchObject({ wrong: 0, stale: 0 });
        expect(figures.failed).toBeLessThan(figures.requests / 10);
      },
      120_000,
    );

    test.runIf(readsFlags)(
      'reloaded with websockets open and switched at once: old and new generation decide alike, and nothing is stale',
      async () => {
        const load = { keepAlive: 8, freshShare: 0.5, slow: 2, upgraded: 5 };
        const figures = await switchUnderLoad(load, { switches: 4, pauseMs: 200, before: running.reload });
        // What a reload cuts is somebody else's doing; where a request goes is ours.
        expect(figures).toMatchObject({ wrong: 0, stale: 0 });
        expect(figures.requests).toBeGreaterThan(running.rate);
      },
      60_000,
    );

    test.skipIf(switchCosts)(
      '50 switches under load: nothing fails, nothing is wrong or stale, nothing is cut',
      async () => {
        const load = { keepAlive: 32, freshShare: 0.2, slow: 4, upgraded: 5 };
        const figures = await switchUnderLoad(load, { switches: 50, pauseMs: 100 });
        expect(figures).toMatchObject({ failed: 0, wrong: 0, stale: 0, cut: 0, reasons: [] });
        expect(figures.requests).toBeGreaterThan(running.rate * 3);
        expect(Math.min(figures.bySide.blue ?? 0, figures.bySide.green ?? 0)).toBeGreaterThan(
          running.rate / 2,
        );
      },
      240_000,
    );
  });
}
