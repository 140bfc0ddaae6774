/**
 * A switch that deployctl does not live to finish, and a balancer that is killed or reloaded then: between any two calls
 * of the switch, so also between what a restart brings and what runs. One scene, a row for each place to die.
 */
import { expect, test } from 'vitest';
import {
  type Observation,
  type Operation,
  type Provider,
  ProviderFailure,
  type RouteValue,
} from '../../src/model/index.ts';
import { context, edge } from '../rig/balancers.ts';
import { mortal } from '../rig/mortal.ts';
import type { BalancerUnderTest } from './balancer-contract.ts';

export interface DeathScene {
  running(): BalancerUnderTest;
  provider(): Provider;
  startFrom(value: RouteValue | null): Promise<void>;
  settled(): Promise<void>;
  route(): Promise<Observation | undefined>;
  served(): Promise<string>;
  /** What it decides by is what a restart brings. */
  readonly readsFlags: boolean;
  /** What runs and what is kept are written one after the other, by two calls. */
  readonly writesTwice: boolean;
}

const allTo = (name: string): RouteValue => ({ stable: name, canary: name, canaryBasisPoints: 0 });
const blue = allTo('shop_blue');
const green = allTo('shop_green');
const move = (from: RouteValue, to: RouteValue, persisted = from): Operation => ({
  op: 'route.set',
  balancer: edge,
  route: 'shop',
  from: { runtime: from, persisted },
  to,
});

/** What somebody, or the kernel, does to the balancer after the death. */
type Blow = 'nothing' | 'kill -9' | 'reload';

export function testDeaths(scene: DeathScene): void {
  const { startFrom, settled, route, served } = scene;

  /** Where the route is said to be: `blue` or `green`, at run time and after a restart. */
  const places = async (): Promise<{ readonly runtime: string; readonly persisted: string }> => {
    const seen = await route();
    if (seen?.status !== 'present' || seen.kind !== 'route') throw new Error(JSON.stringify(seen));
    const side = (value: RouteValue | null): string => value?.stable.replace('shop_', '') ?? 'none';
    expect(seen.spec.disagreeing).toEqual([]);
    return { runtime: side(seen.spec.runtime), persisted: side(seen.spec.persisted) };
  };

  /** A switch to green by a program that lives for so many calls; whether it died of that. */
  const switchAndDie = async (lives: number): Promise<boolean> => {
    await startFrom(blue);
    const { callByCall = (channels) => channels, open } = scene.running();
    const dying = open((channels) => mortal(callByCall(channels), lives));
    const failure: unknown = await dying.perform(move(blue, green), context()).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) expect(failure).toBeInstanceOf(ProviderFailure);
    return failure !== undefined;
  };

  const strike = async (blow: Blow): Promise<void> => {
    const { kill9, start, reload } = scene.running();
    if (blow === 'kill -9') {
      await kill9();
      await start();
    } else if (blow === 'reload') {
      await reload?.();
    }
    await settled();
  };

  test('deployctl dies between any two calls of a switch, and the balancer is killed or reloaded then: the route is the old or the new one, seen as it is, and the switch can be completed', async () => {
    /** By what it left behind: how long the program lived, until the switch was done but for the last looks. */
    const left = new Map<string, number>();
    const done = 'green runs, green is kept';
    for (let lives = 1; !left.has(done); lives += 1) {
      expect(await switchAndDie(lives)).toBe(true);
      const { runtime, persisted } = await places();
      const state = `${runtime} runs, ${persisted} is kept`;
      if (!left.has(state)) left.set(state, lives);
    }
    // What runs is told last, so that no restart takes back what clients have seen.
    const torn = scene.writesTwice ? ['blue runs, green is kept'] : [];
    expect([...left.keys()]).toEqual(['blue runs, blue is kept', ...torn, done]);
    left.delete('blue runs, blue is kept');

    const blows: readonly Blow[] = [
      'nothing',
      'kill -9',
      ...(scene.running().reload ? (['reload'] as const) : []),
    ];
    for (const [state, lives] of left) {
      for (const blow of blows) {
        await switchAndDie(lives);
        await strike(blow);
        const row = `${state}, then ${blow}`;
        const { runtime, persisted } = await places();
        // After a start it runs what was kept.
        expect([row, runtime === persisted || blow === 'nothing']).toEqual([row, true]);
        expect([row, await served()]).toEqual([row, runtime]);
        // The plan of then can be completed; that of a later look too, whatever it is.
        const isAfter = runtime === 'green' && persisted === 'green';
        expect([row, await scene.provider().look(move(blue, green), context())]).toEqual([
          row,
          { at: isAfter ? 'after' : 'before' },
        ]);
        await scene.provider().perform(move(blue, green), context());
        expect([row, await places(), await served()]).toEqual([
          row,
          { runtime: 'green', persisted: 'green' },
          'green',
        ]);
      }
    }
  }, 180_000);

  test.skipIf(scene.readsFlags)(
    'what runs was changed and what is kept was not: a kill or a reload brings back what was acknowledged last',
    async () => {
      const { reload } = scene.running();
      for (const blow of ['kill -9', ...(reload ? (['reload'] as const) : [])] as const) {
        await startFrom(blue);
        await scene.running().setRouteByHand('shop', green);
        expect(await places()).toEqual({ runtime: 'green', persisted: 'blue' });
        await strike(blow);
        expect([blow, await places(), await served()]).toEqual([
          blow,
          { runtime: 'blue', persisted: 'blue' },
          'blue',
        ]);
      }
    },
  );
}
