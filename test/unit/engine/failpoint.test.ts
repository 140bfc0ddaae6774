import { expect, test } from 'vitest';
import { failpointFrom, withFailpoints } from '../../../src/engine/failpoint.ts';
import { openMemoryState } from '../../../src/state/local/store.ts';
import { planOf } from '../../rig/plans.ts';
import { actor, at, countingIds } from '../../rig/state.ts';

const path = [
  'journal:begin:before',
  'journal:begin:after',
  'effect:before:slot.link',
  'effect:after:slot.link',
  'effect:before:route.set',
];

test.for([
  ['nothing is asked for', undefined, []],
  ['an empty wish', '', []],
  ['a number: that point, whatever it is', 'kill@4', [3]],
  ['a name: the first of that name', 'kill@effect:before', [2]],
  ['a name and a number: that one of the name', 'kill@effect:before#2', [4]],
  ['a whole name: that one', 'kill@effect:before:route.set', [4]],
  ['a part of a word: none', 'kill@effect:before:rout', []],
  ['a point that is never reached', 'kill@9', []],
] as const)('%s', ([, wish, deaths]) => {
  const died: number[] = [];
  let index = 0;
  const failpoint = failpointFrom({ DEPLOYCTL_FAIL: wish }, (signal) => {
    expect(signal).toBe('SIGKILL');
    died.push(index);
  });
  for (const name of path) {
    failpoint(name);
    index += 1;
  }
  expect(died).toEqual(deaths);
});

test('to stop is to stand still, not to die', () => {
  const signals: string[] = [];
  failpointFrom({ DEPLOYCTL_FAIL: 'stop@2' }, (signal) => signals.push(signal))('effect:before:bake');
  expect(signals).toEqual([]);
  const failpoint = failpointFrom({ DEPLOYCTL_FAIL: 'stop@effect:before:bake' }, (signal) =>
    signals.push(signal),
  );
  failpoint('effect:before:bake');
  expect(signals).toEqual(['SIGSTOP']);
});

test.for(['kill', 'kill@', 'crash@3', 'kill@EFFECT', 'kill@3#'])('%s is not understood', (wish) => {
  expect(() => failpointFrom({ DEPLOYCTL_FAIL: wish }, () => {})).toThrow('kill@NUMBER');
});

test('there is a point before and after each write, and none around what only reads', async () => {
  const passed: string[] = [];
  const store = withFailpoints(openMemoryState(countingIds()), (name) => passed.push(name));
  await store.begin(planOf(), actor, at(1));
  await store.append(1, { at: at(2), step: undefined, mark: 'note' });
  await store.read();
  await store.journal(1);
  await store.end(1, 'complete', at(3));
  expect(passed).toEqual(
    ['begin', 'note', 'end'].flatMap((name) => [`journal:${name}:before`, `journal:${name}:after`]),
  );
});
