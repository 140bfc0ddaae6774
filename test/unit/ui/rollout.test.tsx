import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import xterm from '@xterm/headless';
import { renderToString } from 'ink';
import { afterEach, describe, expect, test } from 'vitest';
import type { Event, Instant } from '../../../src/model/index.ts';
import { createFeed } from '../../../src/ui/feed.ts';
import { emptyView, fold, type View } from '../../../src/ui/fold.ts';
import { columns } from '../../../src/ui/layout.ts';
import { mountRollout, Rollout, type RolloutControl } from '../../../src/ui/rollout.tsx';
import {
  firstScreen,
  type KeyMode,
  keyMode,
  pressKey,
  pressKeys,
  type Screen,
} from '../../../src/ui/rollout-keys.ts';
import { finalLines, rolloutLines } from '../../../src/ui/rollout-view.ts';
import {
  badCanaryRun,
  bakingRun,
  batchPlan,
  batchRun,
  canaryPlan,
  canaryRun,
  completeRun,
  notHealthy,
  RunScript,
  revertedRun,
  StageScript,
  waitingRun,
} from '../../rig/sample-events.ts';
import { blueGreenSteps, hostNamed, planWith, updatePlan } from '../../rig/sample-plans.ts';

const golden = (name: string): string => join(import.meta.dirname, '../../golden/ui', `${name}.txt`);
const viewOf = (events: readonly Event[]): View => events.reduce(fold, emptyView);

const fleet = planWith({ steps: blueGreenSteps({ hosts: hostNamed(300) }) }, 300);
const fleetRun = new RunScript(fleet).done('upload', 4000).done('hook', 900).start('install', 40).after(3000);
fleetRun.fail('install', 'web-7', notHealthy, 3000);

const reverting = revertedRun(updatePlan());
reverting.events.splice(-8);

const paused = bakingRun(updatePlan()).tell({ type: 'paused', by: 'kim@laptop', reason: 'errors on green' });

const scenarios: readonly (readonly [string, RunScript, Screen])[] = [
  ['rollout-baking', bakingRun(updatePlan()), firstScreen],
  ['rollout-300-hosts', fleetRun, firstScreen],
  ['rollout-reverting', reverting, { ...firstScreen, isDetailed: true }],
  ['rollout-paused', paused, firstScreen],
  ['rollout-confirm', bakingRun(updatePlan()), { ...firstScreen, isConfirming: true }],
  ['rollout-help', bakingRun(updatePlan()), { ...firstScreen, isHelp: true }],
  ['rollout-canary', canaryRun(), firstScreen],
  ['rollout-canary-waits', waitingRun(), firstScreen],
  ['rollout-canary-promote', waitingRun(), { ...firstScreen, isPromoting: true }],
  ['rollout-canary-bad', badCanaryRun(), firstScreen],
  ['rollout-batches', batchRun(), firstScreen],
];

describe('a run on the screen', () => {
  test.for(scenarios)('%s reads as its golden file', async ([name, script, screen]) => {
    const frame = { width: 100, height: 24, color: false, now: script.now, screen };
    await expect(`${rolloutLines(viewOf(script.events), frame).join('\n')}\n`).toMatchFileSnapshot(
      golden(name),
    );
  });

  const sizes = [
    [80, 24],
    [100, 40],
    [40, 12],
    [30, 6],
    [200, 60],
  ] as const;
  test.for(scenarios.flatMap((scenario) => sizes.map((size) => [...scenario, ...size] as const)))(
    '%s fits its window (size %$)',
    ([, script, screen, width, height]) => {
      for (const color of [false, true]) {
        const lines = rolloutLines(viewOf(script.events), { width, height, color, now: script.now, screen });
        expect(lines.length).toBeLessThanOrEqual(height);
        expect(Math.max(...lines.map(columns))).toBeLessThanOrEqual(width);
      }
      const feed = createFeed(() => (script.now + 1) as Instant);
      for (const event of script.events) feed.event(event);
      feed.tick();
      const shown = renderToString(
        <Rollout feed={feed} color={false} ask={() => undefined} size={{ columns: width, rows: height }} />,
        { columns: width },
      ).split('\n');
      expect(shown.length).toBeLessThan(height);
      expect(Math.max(...shown.map(columns))).toBeLessThanOrEqual(width);
      expect(shown[0]).toContain('prod · run 42');
    },
  );

  test('on a screen of 12 rows the phase in hand and the failure are there, whatever is left out', () => {
    const frame = { width: 80, height: 12, color: false, now: fleetRun.now, screen: firstScreen };
    const text = rolloutLines(viewOf(fleetRun.events), frame).join('\n');
    expect(text).toContain('● install');
    expect(text).toContain('✖ install on web-7');
    expect(text).toMatch(/… \d below, \d waiting/);
  });

  test('transfers that go on at the same time are added up', () => {
    const script = new RunScript(updatePlan()).start('upload');
    for (const [at, { id }] of script.steps('upload').entries()) {
      script.tell({
        type: 'step_progress',
        step: id,
        done: (at + 1) * 1_000_000,
        total: 12_300_000,
        unit: 'bytes',
        text: '',
      });
    }
    const frame = { width: 100, height: 24, color: false, now: script.now, screen: firstScreen };
    expect(rolloutLines(viewOf(script.events), frame).join('\n')).toMatch(
      /● upload .* 0 of 3 · 6\.0 MB of 36\.9 MB/,
    );
  });

  test('nothing that a host or a name says can steer the terminal', () => {
    const evil = '\u001b[2J\u0007\u009b';
    const plan = updatePlan({
      environment: evil,
      steps: blueGreenSteps({ hosts: [evil] }).map((step) => ({
        ...step,
        phase: { ...step.phase, title: evil },
      })),
    });
    const script = new RunScript(plan).start('upload').traffic(1, 2);
    const [step] = plan.steps;
    if (step === undefined) throw new Error('no step');
    script.tell({ type: 'step_output', step: step.id, stream: 'stderr', line: evil });
    script.fail('upload', evil, { ...notHealthy, summary: evil, detail: evil }, 1);
    script.tell({ type: 'paused', by: evil, reason: evil });
    for (const isDetailed of [false, true]) {
      const screen = { ...firstScreen, isDetailed };
      const lines = rolloutLines(viewOf(script.events), {
        width: 100,
        height: 40,
        color: false,
        now: script.now,
        screen,
      });
      expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });

  test('what stays in the scrollback has every phase', () => {
    const script = completeRun(updatePlan());
    const lines = finalLines(viewOf(script.events), { width: 80, color: false, now: script.now });
    expect(lines.filter((line) => line.includes('✔')).length).toBe(8);
    expect(lines[0]).toContain('complete');
  });
});

describe('a canary on the screen', () => {
  const lines = (script: RunScript): string =>
    rolloutLines(viewOf(script.events), {
      width: 100,
      height: 30,
      color: false,
      now: script.now,
      screen: firstScreen,
    }).join('\n');

  test('what is seen of a share begins with its gate, and is not what came before', () => {
    const script = new StageScript(canaryPlan()).open(1).counted(500, 0).pass(1);
    const [share, bake] = script.stage(2);
    if (share === undefined || bake === undefined) throw new Error('no gate');
    // Requests of the moment in which the share is moved belong to neither.
    script.open(2).counted(1000, 1).counted(90, 10).counted(90, 10);
    expect(lines(script)).toContain('seen 10%, 0 of 20 failed');
  });

  test('what a dry run would have decided is shown, and that it does not', () => {
    const script = new StageScript(canaryPlan()).open(1);
    const [, bake] = script.stage(1);
    script.judge(bake, 'pass', '', { verdict: 'fail', reason: '20% of 50 requests failed' });
    expect(lines(script)).toContain(
      'analysis: dry run, decides nothing: worse than it may be: 20% of 50 requests failed',
    );
  });

  test('a gate that failed before the counters were looked at again is not said to have had no requests', () => {
    // The first look only says where to begin.
    const script = new StageScript(canaryPlan()).open(1).counted(90, 10, 3);
    const [, bake] = script.stage(1);
    if (bake === undefined) throw new Error('no gate');
    script.tell({ type: 'step_failed', step: bake.id, undoing: false, failure: notHealthy, elapsedMs: 900 });
    const [line = ''] = lines(script)
      .split('\n')
      .filter((each) => each.includes('failed'));
    expect(line).toMatch(/canary 0% +failed/);
    expect(lines(script)).not.toContain('no requests seen');
  });

  test('without counters it says so, and invents nothing', () => {
    const script = new StageScript(canaryPlan()).open(1);
    const silent = script.events.filter(({ type }) => type !== 'traffic');
    const view = viewOf(silent);
    const shown = rolloutLines(view, {
      width: 100,
      height: 30,
      color: false,
      now: script.now,
      screen: firstScreen,
    });
    expect(shown.join('\n')).toContain(
      'requests, errors and shares: not told, edge does not count them by release',
    );
    expect(shown.join('\n')).not.toMatch(/seen|req\/s/);
  });

  test('a fleet in hundreds of batches fits, with the batch in hand in the middle', () => {
    const script = new StageScript(batchPlan(300, 3));
    for (let batch = 1; batch < 50; batch += 1) script.take(batch, script.stage(batch).length);
    for (const step of script.stage(50).slice(0, 3)) script.begin(step);
    const frame = { width: 80, height: 24, color: false, now: script.now, screen: firstScreen };
    const shown = rolloutLines(viewOf(script.events), frame);
    expect(shown.length).toBeLessThanOrEqual(24);
    expect(shown.join('\n')).toMatch(/● batch 50 .*remove 3 hosts/);
    expect(shown.join('\n')).toMatch(/… \d+ above, \d+ done/);
    expect(shown.join('\n')).toMatch(/… \d+ below, \d+ waiting/);
  });
});

describe('keys', () => {
  const key = (input: string, more: object = {}) => ({
    input,
    isReturn: false,
    isEscape: false,
    isControl: false,
    ...more,
  });
  const promoting = { ...firstScreen, isPromoting: true };
  test.for<[string, Screen, string, KeyMode, ReturnType<typeof pressKey>['ask']]>([
    ['p asks first where a canary waits for a person', firstScreen, 'p', 'approving', undefined],
    ['y to that question promotes', promoting, 'y', 'approving', 'promote'],
    ['a second p does not promote', promoting, 'p', 'approving', undefined],
    ['y promotes nothing that somebody else has promoted', promoting, 'y', 'running', undefined],
    ['a canary that waits can be aborted', { ...firstScreen, isConfirming: true }, 'y', 'approving', 'abort'],
    ['p pauses a run that goes on', firstScreen, 'p', 'running', 'pause'],
    ['p does nothing to a paused run', firstScreen, 'p', 'paused', undefined],
    ['c continues a paused run', firstScreen, 'c', 'paused', 'continue'],
    ['c does nothing to a run that goes on', firstScreen, 'c', 'running', undefined],
    ['a asks first', firstScreen, 'a', 'running', undefined],
    ['y without a question is nothing', firstScreen, 'y', 'running', undefined],
    ['y to the question aborts', { ...firstScreen, isConfirming: true }, 'y', 'running', 'abort'],
    ['n to the question does not', { ...firstScreen, isConfirming: true }, 'n', 'running', undefined],
    [
      'p to the question is a no, and no pause',
      { ...firstScreen, isConfirming: true },
      'p',
      'running',
      undefined,
    ],
    [
      'y does not abort what already reverts',
      { ...firstScreen, isConfirming: true },
      'y',
      'reverting',
      undefined,
    ],
    ['a does nothing while it reverts', firstScreen, 'a', 'reverting', undefined],
  ])('%s', ([, screen, input, mode, ask]) => {
    expect(pressKey(screen, key(input), mode).ask).toBe(ask);
  });

  test('a run waits for a person from its question to its promotion', () => {
    const waiting = waitingRun();
    expect(keyMode(viewOf(waiting.events))).toBe('approving');
    const pressed = pressKeys(firstScreen, key('py'), 'approving');
    expect([pressed.asks, pressed.screen.isPromoting]).toEqual([[], true]);
    const [, , approve] = waiting.stage(3);
    if (approve === undefined) throw new Error('no approval');
    waiting.tell({ type: 'promoted', by: 'lee@ops', full: false });
    waiting.tell({
      type: 'step_done',
      step: approve.id,
      undoing: false,
      unchanged: false,
      elapsedMs: 12_000,
    });
    expect(keyMode(viewOf(waiting.events))).toBe('running');
  });

  test.for<[string, string, Screen, readonly string[], boolean]>([
    ['keys that come in one piece all count', 'p?a', firstScreen, ['pause'], true],
    ['a piece cannot both ask and answer', 'ay', firstScreen, [], true],
    [
      'the answer in a piece of its own counts',
      'y',
      { ...firstScreen, isConfirming: true },
      ['abort'],
      false,
    ],
    ['behind the answer keys are keys again', 'np', { ...firstScreen, isConfirming: true }, ['pause'], false],
  ])('%s', ([, input, screen, asks, isConfirming]) => {
    const pressed = pressKeys(screen, key(input), 'running');
    expect(pressed.asks).toEqual(asks);
    expect(pressed.screen.isConfirming).toBe(isConfirming);
  });

  test('Ctrl-C interrupts, even when a question is asked', () => {
    const screen = { ...firstScreen, isConfirming: true };
    expect(pressKey(screen, key('c', { isControl: true }), 'running')).toEqual({ screen, ask: 'interrupt' });
  });

  test('enter and ? toggle', () => {
    const detailed = pressKey(firstScreen, key('', { isReturn: true }), 'running').screen;
    expect(detailed.isDetailed).toBe(true);
    expect(pressKey(detailed, key('', { isReturn: true }), 'running').screen.isDetailed).toBe(false);
    const help = pressKey(firstScreen, key('?'), 'running').screen;
    expect(help.isHelp).toBe(true);
    expect(pressKey(help, key('', { isEscape: true }), 'running').screen.isHelp).toBe(false);
  });
});

describe('in a terminal', () => {
  const open: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
  });

  function terminal(cols: number, rows: number) {
    const emulator = new xterm.Terminal({ cols, rows, allowProposedApi: true, convertEol: true });
    const asked: string[] = [];
    const control: RolloutControl = {
      request: ({ kind, by }) => void asked.push(`${kind} by ${by}`),
      interrupt: (by, signal) => void asked.push(`${signal} by ${by}`),
    };
    const stdout = new PassThrough();
    stdout.on('data', (chunk: Buffer) => emulator.write(chunk));
    const stdin = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: () => stdin,
      ref: () => stdin,
      unref: () => stdin,
    });
    const script = bakingRun(updatePlan());
    const rollout = mountRollout({
      control,
      who: 'kim@laptop',
      stdout: Object.assign(stdout, { isTTY: true, columns: cols, rows }) as unknown as NodeJS.WriteStream,
      stdin: stdin as unknown as NodeJS.ReadStream,
      clock: { now: () => script.now },
      color: true,
    });
    let hasEnded = false;
    const end = async (): Promise<void> => {
      if (hasEnded) return;
      hasEnded = true;
      await rollout.end();
    };
    open.push(end);
    const screen = (): string => {
      const { buffer } = emulator;
      return Array.from({ length: buffer.active.length }, (_, row) =>
        (buffer.active.getLine(row)?.translateToString(true) ?? '').trimEnd(),
      ).join('\n');
    };
    const shows = async (pattern: RegExp): Promise<void> => {
      await expect.poll(screen).toMatch(pattern);
    };
    return { rollout, stdin, asked, script, screen, shows, end };
  }

  test('it draws, hears keys, and leaves plain text behind', async () => {
    const { rollout, stdin, asked, script, screen, shows, end } = terminal(80, 24);
    for (const event of script.events) rollout.event(event);
    await shows(/● bake .* 18 s of 30 s/);
    stdin.write('p');
    await expect.poll(() => asked).toEqual(['pause by kim@laptop']);
    stdin.write('a');
    await shows(/Abort, and undo 10 steps\? {2}y yes {3}n no/);
    stdin.write('y');
    stdin.write('\u0003');
    await expect
      .poll(() => asked)
      .toEqual(['pause by kim@laptop', 'abort by kim@laptop', 'SIGINT by kim@laptop']);
    for (const event of completeRun(updatePlan()).events.slice(script.events.length)) rollout.event(event);
    await end();
    await shows(/✔ prune/);
    expect(screen()).not.toContain('p pause');
    expect(screen().match(/prod · run 42/g)).toHaveLength(1);
    expect(screen()).toContain('complete');
  });

  test('on a small screen it does not scroll its own header away', async () => {
    const { rollout, script, screen, shows } = terminal(40, 12);
    for (const event of script.events) rollout.event(event);
    await shows(/● bake/);
    for (let second = 0; second < 5; second += 1) {
      rollout.event({
        ...script
          .after(1000)
          .traffic(1000, 2000 + second)
          .events.at(-1),
      } as Event);
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    expect(screen().match(/prod · run 42/g)).toHaveLength(1);
  });
});
