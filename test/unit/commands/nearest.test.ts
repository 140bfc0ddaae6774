import { expect, test } from 'vitest';
import { nearest } from '../../../src/commands/nearest.ts';

const known = ['plan', 'apply', 'revert', 'status', 'state list', 'auto-approve', 'out'];

test.for([
  ['paln', 'plan', 'two letters swapped'],
  ['aply', 'apply', 'a letter too few'],
  ['reverrt', 'revert', 'a letter too many'],
  ['stetus', 'status', 'another letter'],
  ['PLAN', 'plan', 'capitals'],
  ['auto-aprove', 'auto-approve', 'a long word with a letter too few'],
  ['autoapprove', 'auto-approve', 'a dash forgotten'],
  ['otu', 'out', 'a short word'],
  ['deploy', undefined, 'another word altogether'],
  ['x', undefined, 'a single letter'],
  ['', undefined, 'nothing'],
] as const)('"%s" suggests %s: %s', ([typed, meant]) => {
  expect(nearest(typed, known)).toBe(meant);
});
