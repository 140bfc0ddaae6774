import { describe, expect, test } from 'vitest';
import type { Operation, RouteValue } from '../../../../src/model/index.ts';
import { mergeConfigs } from '../../../../src/providers/balancer/config.ts';
import { TrafficCounter } from '../../../../src/providers/balancer/counters.ts';
import { memberStanding, memberState } from '../../../../src/providers/balancer/member.ts';
import type {
  HostReading,
  MemberReading,
  PoolReading,
  WorkerReading,
} from '../../../../src/providers/balancer/reading.ts';
import { routeStanding, routeState, sampleBounds } from '../../../../src/providers/balancer/route.ts';
import { edge } from '../../../rig/balancers.ts';

const blue: RouteValue = { stable: 'blue', canary: 'blue', canaryBasisPoints: 0 };
const green: RouteValue = { stable: 'green', canary: 'green', canaryBasisPoints: 0 };
const red: RouteValue = { stable: 'red', canary: 'red', canaryBasisPoints: 0 };

const worker = (
  id: string,
  value: RouteValue | null | undefined,
  serving = true,
  pools: ReadonlyMap<string, PoolReading> = new Map(),
): WorkerReading => ({
  id,
  name: `worker ${id}`,
  serving,
  routes: value === undefined ? undefined : new Map(value === null ? [] : [['shop', value]]),
  pools,
});
const host = (
  name: string,
  persisted: RouteValue | null,
  ...workers: [WorkerReading, ...WorkerReading[]]
): HostReading => ({
  host: name,
  workers,
  persisted: new Map(persisted === null ? [] : [['shop', persisted]]),
  persistedText: undefined,
  persistedIn: 'edge.map',
});
const move = (
  from: Extract<Operation, { op: 'route.set' }>['from'],
  to: RouteValue | null,
): Extract<Operation, { op: 'route.set' }> => ({ op: 'route.set', balancer: edge, route: 'shop', from, to });
const both = (value: RouteValue | null) => ({ runtime: value, persisted: value });

describe('where the world stands on a switch from blue to green', () => {
  test.for([
    ['untouched', [host('lb-1', blue, worker('1', blue))], 'before'],
    ['done', [host('lb-1', green, worker('1', green))], 'after'],
    ['killed after the file was written', [host('lb-1', green, worker('1', blue))], 'before'],
    [
      'one of two hosts told',
      [host('lb-1', green, worker('1', green)), host('lb-2', blue, worker('2', blue))],
      'before',
    ],
    [
      'a retiring worker missed it',
      [host('lb-1', green, worker('2', green), worker('1', blue, false))],
      'before',
    ],
    [
      'a retiring worker is of before the snippet',
      [host('lb-1', green, worker('2', green), worker('1', undefined, false))],
      'after',
    ],
    [
      'a retiring worker says something odd',
      [host('lb-1', blue, worker('2', blue), worker('1', red, false))],
      'before',
    ],
    ['somebody set it at run time', [host('lb-1', blue, worker('1', red))], 'elsewhere'],
    ['somebody edited the file', [host('lb-1', red, worker('1', blue))], 'elsewhere'],
    ['somebody removed it', [host('lb-1', null, worker('1', null))], 'elsewhere'],
    [
      'somebody set it on the second host',
      [host('lb-1', blue, worker('1', blue)), host('lb-2', red, worker('2', blue))],
      'elsewhere',
    ],
  ] as const)('%s', ([, hosts, at]) => {
    expect(routeStanding(move(both(blue), green), hosts).at).toBe(at);
  });

  test('a value of another host that the plan saw and means to mend is before', () => {
    const hosts = [host('lb-1', blue, worker('1', blue)), host('lb-2', red, worker('2', red))];
    const { disagreeing } = routeState(edge, 'shop', hosts) as Extract<
      ReturnType<typeof routeState>,
      { runtime: unknown }
    >;
    expect(disagreeing.map(({ worker: who }) => who)).toEqual(['lb-2 worker 2', 'lb-2 edge.map']);
    expect(routeStanding(move({ ...both(blue), disagreeing }, green), hosts)).toEqual({ at: 'before' });
  });

  test('a value that deployctl did not write is unknown, and says where it stands', () => {
    const odd: HostReading = {
      ...host('lb-1', null, worker('1', blue)),
      persisted: new Map([['shop', { unreadable: 'x' }]]),
    };
    const standing = routeStanding(move(both(blue), green), [odd]);
    expect(standing).toMatchObject({ at: 'unknown', why: { code: 'route-unreadable' } });
    expect(standing.at === 'unknown' && standing.why.detail).toContain('lb-1 edge.map');
  });
});

describe('members over several hosts', () => {
  const member = (admin: MemberReading['admin'], up = true, sessions = 0): MemberReading => ({
    admin,
    up,
    settled: up,
    sessions,
    check: '',
  });
  const of = (...readings: MemberReading[]): readonly HostReading[] =>
    readings.map((reading, index) => {
      const pools = new Map([
        ['p', { sessions: 0, requests: 0, failed: 0, members: new Map([['web-1', reading]]) }],
      ]);
      return host(`lb-${index}`, null, worker(String(index), null, true, pools));
    });
  const set = (from: MemberReading['admin'], to: MemberReading['admin']) =>
    ({ op: 'member.set', balancer: edge, pool: 'p', member: 'web-1', from, to }) as const;

  test('the host that keeps it furthest out counts, and up is what all say', () => {
    expect(memberState('p', 'web-1', of(member('ready', true, 2), member('drain', false, 1)))).toEqual({
      admin: 'drain',
      up: false,
      sessions: 3,
    });
    expect(memberState('p', 'web-9', of(member('ready')))).toBeUndefined();
  });

  test.for([
    ['not begun', of(member('maint')), 'maint', 'ready', 'before'],
    ['on its way back, in drain', of(member('drain')), 'maint', 'ready', 'before'],
    ['ready, and not up yet', of(member('ready', false)), 'maint', 'ready', 'before'],
    ['ready and up', of(member('ready')), 'maint', 'ready', 'after'],
    ['taken out by somebody', of(member('maint')), 'ready', 'drain', 'elsewhere'],
    ['one host done', of(member('drain'), member('ready')), 'ready', 'drain', 'before'],
  ] as const)('%s', ([, hosts, from, to, at]) => {
    expect(memberStanding(set(from, to), hosts)?.at).toBe(at);
  });
});

describe('how many of some samples a share may be', () => {
  test.for([
    ['none of a share of nothing', 400, 0, [0, 0]],
    ['all of everything', 400, 10_000, [400, 400]],
    ['about a quarter', 400, 2500, [56, 144]],
    ['few or none of one in a hundred', 400, 100, [0, 21]],
  ] as const)('%s', ([, taken, share, bounds]) => {
    expect(sampleBounds(taken, share)).toEqual(bounds);
  });
});

test('counters start at the first look, and go on over a reload', () => {
  const at = (id: string, requests: number, failed: number): WorkerReading =>
    worker(id, null, true, new Map([['p', { sessions: 1, requests, failed, members: new Map() }]]));
  const counter = new TrafficCounter();
  expect(counter.count([host('lb', null, at('1', 1000, 7))], ['p'])).toEqual([
    { pool: 'p', requests: 0, failed: 0, sessions: 1 },
  ]);
  expect(counter.count([host('lb', null, at('1', 1010, 8))], ['p'])).toMatchObject([
    { requests: 10, failed: 1 },
  ]);
  expect(counter.count([host('lb', null, at('2', 5, 0))], ['p'])).toMatchObject([
    { requests: 15, failed: 1 },
  ]);
});

describe('the configuration file over several hosts', () => {
  const on = (name: string, text: string | undefined, loaded = true) => ({
    host: name,
    config: text === undefined ? undefined : { text, loaded },
  });
  test.for([
    ['all as wanted', [on('a', 'x'), on('b', 'x')], { text: 'x', loaded: true }],
    ['the one that was left behind is shown', [on('a', 'x'), on('b', 'y')], { text: 'y', loaded: true }],
    ['one that has not loaded it', [on('a', 'x'), on('b', 'x', false)], { text: 'x', loaded: false }],
    ['one that has no file', [on('a', 'x'), on('b', undefined)], undefined],
  ] as const)('%s', ([, configs, expected]) => {
    expect(mergeConfigs('x', configs)).toEqual(expected);
  });
});
