import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asAddress, asInstant, type Diagnostic } from '../../../src/model/index.ts';
import { columns } from '../../../src/ui/layout.ts';
import { type PlanTextOptions, renderPlan } from '../../../src/ui/plan-text.ts';
import {
  blueGreenSteps,
  hostNamed,
  planned,
  planWith,
  routeDrift,
  routeMoved,
  slotCreated,
  slotUpdated,
  unreachableHost,
  updatePlan,
} from '../../rig/sample-plans.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', `${name}.txt`);

const frame = ({ severity, summary, detail }: Diagnostic): string => `| ${severity}: ${summary}\n| ${detail}`;
const options: PlanTextOptions = { color: false, width: 100, frame };

const fleet = hostNamed(300);
const revertSteps = blueGreenSteps({ slot: 'blue', from: '2.0.0', to: '1.0.0' }).filter(({ phase }) =>
  ['verify', 'switch'].includes(phase.verb),
);

const scenarios = [
  {
    name: 'plan-create',
    plan: planWith({
      changes: [
        ...hostNamed(2).map((host) => slotCreated(host)),
        { ...routeMoved, action: 'create' as const, before: null },
      ],
      steps: blueGreenSteps({ hosts: hostNamed(2) }).filter(({ phase }) => phase.verb !== 'prune'),
    }),
    with: { applyCommand: 'deployctl apply prod --var version=2.0.0', read: 'Read 3 hosts in 0.4 s.' },
  },
  {
    name: 'plan-update-drift-100',
    plan: updatePlan({ drift: [routeDrift] }),
    with: {
      out: 'p.plan',
      deployment: { number: 41, at: asInstant(planned - 3 * 3_600_000) },
      earlier: { runs: 12, seconds90: 58 },
    },
  },
  { name: 'plan-update-80', plan: updatePlan(), with: { width: 80, applyCommand: 'deployctl apply prod' } },
  { name: 'plan-update-60', plan: updatePlan(), with: { width: 60, applyCommand: 'deployctl apply prod' } },
  {
    name: 'plan-300-hosts',
    plan: planWith(
      {
        changes: [...fleet.map((host) => slotUpdated(host)), routeMoved],
        steps: blueGreenSteps({ hosts: fleet }),
      },
      300,
    ),
    with: { parallelism: 10 },
  },
  {
    name: 'plan-300-hosts-each-differs',
    plan: planWith(
      { changes: fleet.map((host) => slotCreated(host, { NODE_NAME: host, PORT: '8082' })) },
      300,
    ),
    with: {},
  },
  {
    name: 'plan-revert',
    plan: planWith({
      intent: { kind: 'revert', to: 41, services: [] },
      changes: [
        {
          ...routeMoved,
          because: 'deployment 41 had it so',
          before: routeMoved.after,
          after: routeMoved.before,
        },
      ],
      steps: revertSteps,
    }),
    with: {
      header:
        'Back to deployment 41 (shop 1.0.0, by lee, 3 hours ago). Its release is still installed and warm on 3 of 3 hosts.',
    },
  },
  { name: 'plan-no-changes', plan: planWith(), with: { read: 'Read 4 hosts in 0.9 s.' } },
  { name: 'plan-held', plan: planWith({ held: [unreachableHost] }), with: {} },
  {
    name: 'plan-refresh-only',
    plan: planWith({ intent: { kind: 'refresh_only' }, drift: [routeDrift] }),
    with: { applyCommand: 'deployctl apply prod --refresh-only' },
  },
  {
    name: 'plan-concise',
    plan: updatePlan({ drift: [], warnings: [{ ...unreachableHost, severity: 'warning' }] }),
    with: { concise: true },
  },
  {
    name: 'plan-targeted',
    plan: planWith({ targets: [asAddress('load_balancer.edge')], changes: [routeMoved] }),
    with: { out: 'p.plan' },
  },
  {
    name: 'plan-excluded',
    plan: planWith({ excluded: [asAddress('service.api'), asAddress('service.prices')] }),
    with: {},
  },
] as const;

describe('a plan as text', () => {
  test.for(scenarios)('$name reads as its golden file', async ({ name, plan, with: more }) => {
    const text = renderPlan(plan, { ...options, ...more });
    expect(text.split('\n').length).toBeLessThanOrEqual(60);
    await expect(`${text}\n`).toMatchFileSnapshot(golden(name));
  });

  test.for(scenarios.flatMap((scenario) => [48, 80, 100, 132].map((width) => ({ ...scenario, width }))))(
    '$name is never wider than $width columns',
    ({ plan, with: more, width }) => {
      const quiet = { ...options, ...more, frame: () => '', width };
      expect(widest(renderPlan(plan, quiet))).toBeLessThanOrEqual(width);
      expect(widest(renderPlan(plan, { ...quiet, color: true }))).toBeLessThanOrEqual(width);
    },
  );

  test.for(scenarios)('$name says the same with colour and without', ({ plan, with: more }) => {
    const colored = renderPlan(plan, { ...options, ...more, color: true });
    expect(colored).toMatch(/\u001b\[1m/);
    expect(withoutColor(colored)).toBe(renderPlan(plan, { ...options, ...more }));
  });

  test('names and values cannot send control characters to the terminal', () => {
    const evil = 'a\u001b[2J\u009b31m\u202egnp.exe\u0007\r\b';
    const plan = updatePlan({
      environment: evil,
      drift: [{ ...routeDrift, address: asAddress(`x.${evil}`), after: { [evil]: evil }, note: evil }],
      changes: [
        {
          ...slotUpdated('web-1'),
          address: asAddress(`y["${evil}"]`),
          because: evil,
          after: { [evil]: `one\n${evil}\n` },
          origin: {
            file: evil,
            start: { line: 1, column: 1, byte: 0 },
            end: { line: 1, column: 1, byte: 0 },
          },
        },
      ],
      steps: blueGreenSteps({ hosts: [evil] }).map((step) => ({
        ...step,
        phase: { ...step.phase, title: evil },
        inverse: { kind: 'irreversible', because: evil },
      })),
      held: [{ ...unreachableHost, detail: evil }],
      targets: [asAddress(evil)],
    });
    for (const concise of [false, true]) {
      const text = renderPlan(plan, { ...options, concise, header: evil, read: evil, out: evil });
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
  });

  const approvals = { ...unreachableHost, severity: 'warning', code: 'policy-approvals' } as const;
  test.for([
    ['what was planned', {}, {}, 'To plan again and apply:'],
    ['nothing where apply would refuse it', { warnings: [approvals] }, {}, undefined],
    ['nothing where something is held', { held: [unreachableHost] }, {}, 'Nothing can be applied as long as'],
    [
      'what was saved, to look at where something is held',
      { held: [unreachableHost] },
      { out: 'p.plan' },
      'deployctl show p.plan',
    ],
  ] as const)('the last words offer to apply %s', ([, parts, more, last]) => {
    const plan = updatePlan(parts);
    const text = renderPlan(plan, { ...options, applyCommand: 'deployctl apply prod', ...more });
    const closing = text.split('\n\n').at(-1) ?? '';
    if (last === undefined) expect(text).not.toContain('deployctl apply prod');
    else expect(closing.replaceAll('\n', ' ')).toContain(last);
  });

  test('a cause that many things share is told once, and of many causes of one kind a few', () => {
    const held = ['web-1', 'web-2', 'web-3', 'web-4', 'web-5'].flatMap((host) =>
      [1, 2].map(() => ({ ...unreachableHost, detail: `${host} did not answer.` })),
    );
    const text = renderPlan(planWith({ held }), { ...options, frame: ({ detail }) => detail });
    expect(text).toContain('5 things are held');
    expect(text.match(/did not answer/g)).toHaveLength(3);
    expect(text).toContain('and 2 more of this kind (--json has all).');
  });

  test('a hundred wide characters fit like a hundred narrow ones', () => {
    const plan = planWith({ changes: [{ ...slotUpdated('web-1'), after: { motto: '部署'.repeat(50) } }] });
    const text = renderPlan(plan, { ...options, width: 80 });
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text.replace(/[^部署]/g, '')).toBe('部署'.repeat(50));
  });
});

const withoutColor = (text: string): string => text.replace(/\u001b\[[0-9;]*m/g, '');
const widest = (text: string): number => Math.max(...text.split('\n').map(columns));
