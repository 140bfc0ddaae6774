/** Mistakes that somebody could make, each one line of the planner or of the engine. */
export interface Fault {
  readonly says: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly seeds: 'plans' | 'engine' | 'rollouts';
  /** One that found it, and is tried before the others; where it finds it no longer, all of them are searched. */
  readonly seed?: number;
}

const inPlans = (says: string, file: string, find: string, replace: string): Fault => ({
  says,
  file,
  find,
  replace,
  seeds: 'plans',
});
const inEngine = (says: string, file: string, find: string, replace: string): Fault => ({
  says,
  file,
  find,
  replace,
  seeds: 'engine',
});
/** Found by runs of plans as the planner makes them. */
const inRollouts = (says: string, file: string, find: string, replace: string, seed: number): Fault => ({
  says,
  file,
  find,
  replace,
  seeds: 'rollouts',
  seed,
});

export const faults: readonly Fault[] = [
  inPlans(
    'a share goes back to the share before it in name, and elsewhere in fact',
    'src/strategies/route-moves.ts',
    'from: { runtime: to, persisted: to, ...passed }, to: home }',
    'from: { runtime: to, persisted: to, ...passed }, to }',
  ),
  inPlans(
    'a canary gets its first share before it has settled',
    'src/strategies/canary.ts',
    '  let last = needs;\n  // Whoever',
    '  let last: readonly Step[] = [];\n  // Whoever',
  ),
  inPlans(
    'shares are a hundred times too large',
    'src/strategies/canary.ts',
    'const canaryBasisPoints = step.share * 100;',
    'const canaryBasisPoints = step.share * 10_000;',
  ),
  inPlans(
    'the canary never becomes the stable side',
    'src/strategies/canary.ts',
    '  last = name.move(switchTo(sequence, target, route, last));\n',
    '  last = name.move(last);\n',
  ),
  inPlans(
    'a canary that has a share is replaced under it',
    'src/strategies/take-over.ts',
    'toRenew.length > 0 ? [...withdraw(situation, target, active, route), ...named.freed] : []',
    'toRenew.length > 0 ? named.freed : []',
  ),
  inPlans(
    'the hosts of a turn do not wait for the turn before',
    'src/strategies/turns.ts',
    '    const before = last;',
    '    const before: readonly Step[] = [];',
  ),
  inPlans(
    'a host is replaced without being taken out',
    'src/strategies/turns.ts',
    '      isServing\n        ? renewInService(sequence, slot, instance, hooks, before, turn)\n        : [renewInstance(sequence, slot, instance, hooks, before)],',
    '      [renewInstance(sequence, slot, instance, hooks, before)],',
  ),
  inPlans(
    'the floor is not asked how many may leave',
    'src/strategies/turns.ts',
    'Math.min(room, most ?? room)',
    'Math.max(room, most ?? room)',
  ),
  inPlans(
    'hosts that may fail are not spared from the floor',
    'src/strategies/turns.ts',
    'floorOf(situation, slot) - spare;',
    'floorOf(situation, slot);',
  ),
  inPlans(
    'what somebody took out comes back unverified',
    'src/strategies/turns.ts',
    'last = [...last, ...unproved.map((each) => verifyInstance(sequence, slot, each, last))];',
    '',
  ),
  inPlans(
    'the floor is rounded down',
    'src/strategies/situation.ts',
    'Math.ceil(((slot.instances.length',
    'Math.floor(((slot.instances.length',
  ),
  inPlans(
    'a start is undone by another start',
    'src/strategies/instance-steps.ts',
    'operation: processOperation(sequence, slot, instance, wanted, null, floor),',
    'operation: processOperation(sequence, slot, instance, null, wanted),',
  ),
  inPlans(
    'the last hosts of a canary keep the old release',
    'src/strategies/canary.ts',
    '[...steps, ...(steps.at(-1)?.share === 100 ? [] : [undefined])]',
    '[...steps]',
  ),
  inEngine(
    'steps do not wait for what they need',
    'src/engine/schedule.ts',
    '      task.blockers += 1;',
    '      task.blockers += 0;',
  ),
  inEngine(
    'an effect is not written down before it happens',
    'src/engine/attempt.ts',
    'if (turn === 1) await attempt.intend();',
    'if (turn === 1) void attempt.intend();',
  ),
  inEngine(
    'a lost reply is taken for a failure without effect',
    'src/engine/attempt.ts',
    "if (failure?.effect === 'none') return",
    'if (failure !== undefined) return',
  ),
  inEngine(
    'a reply is believed',
    'src/engine/attempt.ts',
    "    if (after.at === 'after') return record(attempt, false, after.seen);",
    '    return record(attempt, false, undefined);',
  ),
  inEngine(
    'what a failed step may have done is not undone',
    'src/engine/schedule.ts',
    "if (!mayHaveEffect || status === 'undone'",
    "if (!mayHaveEffect || status !== 'done'",
  ),
  inEngine(
    'what was there before the run is taken for its doing, and undone',
    'src/engine/attempt.ts',
    "if (before.at === 'after') return record(attempt, !wasBegun, before.seen);",
    "if (before.at === 'after') return record(attempt, false, before.seen);",
  ),
  inEngine(
    'the way back takes the first step first',
    'src/engine/schedule.ts',
    '(tell) => eachNeed(steps, (need, step) => tell(step, need))',
    '(tell) => eachNeed(steps, tell)',
  ),
  inEngine(
    'a failure that asks for the way back is forgotten by a kill',
    'src/engine/progress.ts',
    "if (follows === 'revert') turnReason ??=",
    "if (follows === 'freeze') turnReason ??=",
  ),
  inEngine(
    'what is done is done again after a resume',
    'src/engine/schedule.ts',
    "progressOf(progress, step.id).status !== 'done'),\n    (tell) => eachNeed(steps, tell),",
    "progressOf(progress, step.id).status !== 'failed'),\n    (tell) => eachNeed(steps, tell),",
  ),
  inRollouts(
    'hosts are taken out however few are left',
    'src/engine/floor.ts',
    'others.length >= floor.least',
    'others.length >= 0',
    594,
  ),
  inRollouts(
    'a wait by the clock begins anew after a kill',
    'src/engine/perform.ts',
    '(before.until ?? ((cx.clock.now() + operation.durationMs) as Instant))',
    '((cx.clock.now() + operation.durationMs) as Instant)',
    35,
  ),
  inRollouts(
    'a host that failed comes back into the pool with the others',
    'src/engine/schedule.ts',
    '  if (hosts.size === 0) return new Set();\n  return new Set(',
    '  if (hosts.size >= 0) return new Set();\n  return new Set(',
    90,
  ),
  inRollouts(
    'a canary of which nothing is known passes',
    'src/engine/gate.ts',
    "if (promoted.aborted || verdict?.verdict !== 'inconclusive') return { kind: 'done' };",
    "return { kind: 'done' };",
    226,
  ),
  inRollouts(
    'what comes back on the way back is not verified',
    'src/engine/perform.ts',
    '[...(verify === undefined ? [] : [verify]), ...settle]',
    '[...(verify === null ? [] : []), ...settle]',
    34,
  ),
  inRollouts(
    'addresses stay where their CNAME comes',
    'src/strategies/answers.ts',
    '    ...(beside.length === 0 ? {} : { beside }),\n',
    '',
    155,
  ),
  inRollouts(
    'what resolvers still remember is replaced under them, and the proof does not know',
    'src/planner/recorded-names.ts',
    '.filter(({ leftMs }) => leftMs > 0)',
    '.filter(({ leftMs }) => leftMs < 0)',
    492,
  ),
  inRollouts(
    'the way back does not wait until resolvers have forgotten',
    'src/engine/perform.ts',
    '[...(verify === undefined ? [] : [verify]), ...settle]',
    '[...(verify === undefined ? [] : [verify]), ...settle.slice(settle.length)]',
    36,
  ),
  inRollouts(
    'a canary that is taken back gets its old share while it is still being put back',
    'src/strategies/take-over.ts',
    '    isNewHome: true,\n',
    '',
    122,
  ),
];
