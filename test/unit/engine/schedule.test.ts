import { expect, test } from 'vitest';
import { progressLog } from '../../../src/engine/progress.ts';
import { type Agenda, agendaBackwards, agendaForwards, wayBack } from '../../../src/engine/schedule.ts';
import type { Address, Inverse, JournalEntry, Mark, Step, StepId } from '../../../src/model/index.ts';
import { stepOf } from '../../rig/plans.ts';
import { at } from '../../rig/state.ts';

const drain = { op: 'pool.drain', balancer: 'edge' as Address, pool: 'p', withinMs: 1 } as const;
const back: Inverse = { kind: 'operation', operation: drain, summary: 'back' };
const nothing: Inverse = { kind: 'nothing', because: 'nothing to undo' };
const never: Inverse = { kind: 'irreversible', because: 'it is gone' };

/** `c: a b` is a step c that needs a and b. */
const steps = (inverses: Readonly<Record<string, Inverse>>, ...lines: readonly string[]): readonly Step[] =>
  lines.map((line) => {
    const [id = '', needs = ''] = line.split(':');
    return stepOf(id, drain, { needs: needs.split(' ').filter(Boolean), inverse: inverses[id] ?? back });
  });

/** `a done` and so on, in the order in which it was written down. */
const journal = (...lines: readonly string[]): readonly JournalEntry[] =>
  lines.map((line, index) => {
    const [step = '', mark = '', effect = ''] = line.split(' ');
    return {
      seq: index + 1,
      at: at(index),
      run: 1,
      step: step as StepId,
      mark: mark as Mark,
      ...(effect === 'none' ? { detail: { mayHaveEffect: false } } : {}),
    };
  });

/** Everything that may start now. */
function ready(agenda: Agenda): string {
  const ids: string[] = [];
  for (let step = agenda.take(() => true); step !== undefined; step = agenda.take(() => true))
    ids.push(step.id);
  return ids.join(' ');
}

const diamond = ['a', 'b: a', 'c: a', 'd: b c'];

test.for([
  ['at first what needs nothing', [], 'a'],
  ['then what only needed that, in the order of the plan', ['a done'], 'b c'],
  ['a step waits for all that it needs', ['a done', 'b done', 'c intended'], 'c'],
  ['what was begun, and what failed, is begun again', ['a done', 'b failed', 'c intended'], 'b c'],
  ['the last one', ['a done', 'c done', 'b done'], 'd'],
  ['nothing when all is done', ['a done', 'c done', 'b done', 'd done'], ''],
] as const)('forwards: %s', ([, marks, expected]) => {
  expect(ready(agendaForwards(steps({}, ...diamond), progressLog(journal(...marks))))).toBe(expected);
});

test.for([
  ['the last completed comes first', {}, ['a done', 'c done', 'b done'], 'b c'],
  ['what others needed waits for them', {}, ['a done', 'b done', 'c done', 'd done'], 'd'],
  ['a failed step that may have had an effect is undone', {}, ['a done', 'b failed'], 'b'],
  ['a failed step that had none is passed over', {}, ['a done', 'b failed none'], 'a'],
  ['what was found done by others is passed over', {}, ['a done', 'b done none'], 'a'],
  ['what only waited is passed over', { b: nothing, c: nothing }, ['a done', 'b done', 'c done'], 'a'],
  ['and so is what only waited for it', { d: nothing }, ['a done', 'b done', 'c done', 'd done'], 'c b'],
  ['what is undone already lets the next follow', {}, ['a done', 'b done', 'b undone'], 'a'],
  ['what has no way back holds what it needed', { b: never }, ['a done', 'b done', 'c done'], 'c'],
  ['what has no way back but had no effect does not', { b: never }, ['a done', 'b failed none'], 'a'],
  ['an undo that was begun goes on', {}, ['a done', 'b done', 'b undoing'], 'b'],
] as const)('backwards: %s', ([, inverses, marks, expected]) => {
  expect(ready(agendaBackwards(steps(inverses, ...diamond), progressLog(journal(...marks))))).toBe(expected);
});

test('a step is offered once, and its passing lets others follow', () => {
  const agenda = agendaForwards(steps({}, ...diamond), progressLog());
  expect(ready(agenda)).toBe('a');
  expect(agenda.has(() => true)).toBe(false);
  agenda.pass('a' as StepId);
  expect(agenda.take((step) => step.id === 'c')?.id).toBe('c');
  agenda.pass('c' as StepId);
  expect(ready(agenda)).toBe('b');
});

test('the way back tells what is left of it', () => {
  const plan = steps({ c: never }, ...diamond);
  const { toUndo, irreversible } = wayBack(plan, progressLog(journal('a done', 'b done', 'c done')));
  expect([toUndo.map((step) => step.id), irreversible.map((step) => step.id)]).toEqual([['b', 'a'], ['c']]);
});
