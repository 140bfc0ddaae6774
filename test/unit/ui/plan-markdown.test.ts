import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planMarkdown } from '../../../src/ui/plan-markdown.ts';
import { canaryPlan } from '../../rig/sample-events.ts';
import {
  blueGreenSteps,
  hostNamed,
  planWith,
  routeDrift,
  slotUpdated,
  unreachableHost,
  updatePlan,
} from '../../rig/sample-plans.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', `${name}.md`);
const options = { color: false, width: 100, frame: ({ summary }: { readonly summary: string }) => summary };

test.for([
  ['plan-comment-canary', canaryPlan()],
  [
    'plan-comment-drift',
    updatePlan({ drift: [routeDrift], warnings: [{ ...unreachableHost, severity: 'warning' }] }),
  ],
  ['plan-comment-empty', planWith()],
] as const)('%s reads as its golden file', async ([name, plan]) => {
  await expect(`${planMarkdown(plan, options)}\n`).toMatchFileSnapshot(golden(name));
});

test('names cannot call anybody, link anywhere, end a table or open HTML', () => {
  const evil = '@kim [x](http://evil) <img src=x> | `a` *b* \u001b[2J';
  const plan = updatePlan({
    environment: evil,
    warnings: [{ ...unreachableHost, severity: 'warning', summary: evil, detail: evil, hint: evil }],
    changes: [{ ...slotUpdated('web-1'), because: evil }],
    steps: blueGreenSteps().map((step) => ({ ...step, phase: { ...step.phase, title: evil } })),
  });
  const text = planMarkdown(plan, options);
  // The plan in full is in a fence that nothing in it can close, and the heading in a span of code.
  const [open = ''] = text.split('The plan in full');
  const outside = open.replaceAll(/(`+) ?.*?[^`] ?\1(?!`)/g, '');
  expect(outside).not.toMatch(/@kim|(?<!\\)\[x|<img|(?<!\\)\*b/);
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  for (const line of open.split('\n').filter((each) => each.startsWith('| `'))) {
    expect(line.replaceAll('\\|', '').split('|')).toHaveLength(5);
  }
});

test('a fleet stays within what a comment may be', () => {
  const hosts = hostNamed(2000);
  const changes = hosts.map((host) => slotUpdated(host, { HOST: host }));
  const text = planMarkdown(planWith({ changes, steps: blueGreenSteps({ hosts }) }, 2000), options);
  expect(text.length).toBeLessThan(65_536);
  expect(text).toContain('2,000 hosts');
});
