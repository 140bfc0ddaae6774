import { expect, test } from 'vitest';
import { estimateFrom } from '../../../src/planner/estimate.ts';

test('a step takes as long as the middle one of those before', () => {
  const estimate = estimateFrom({ 'route.set': [0.5, 0.1, 0.2], 'release.put': [9] });
  expect(estimate('switch')).toBe(0.2);
  expect(estimate('upload')).toBe(9);
});

test('without earlier runs it is a guess, and never nothing', () => {
  const estimate = estimateFrom({});
  for (const verb of ['upload', 'start', 'verify', 'switch', 'anything'])
    expect(estimate(verb)).toBeGreaterThan(0);
});
