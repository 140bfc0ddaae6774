/** Event logs of runs, told in a few words: for tests of what people and programs see while a run goes on. */
import {
  asAddress,
  asInstant,
  type Diagnostic,
  type Event,
  type EventBody,
  hostOf,
  type Plan,
  type Step,
  type StepId,
} from '../../src/model/index.ts';
import { planned } from './sample-plans.ts';

/** Numbers events and moves the clock. */
export class RunScript {
  readonly events: Event[] = [];
  readonly plan: Plan;
  #at: number = planned;

  constructor(plan: Plan, done?: readonly StepId[]) {
    this.plan = plan;
    this.tell({
      type: 'run_started',
      plan,
      resumed: done !== undefined,
      ...(done === undefined ? {} : { done }),
    });
  }

  get now() {
    return asInstant(this.#at);
  }

  after(ms: number): this {
    this.#at += ms;
    return this;
  }

  tell(body: EventBody): this {
    this.events.push({ ...body, at: asInstant(this.#at), run: 42, seq: this.events.length + 1 });
    return this;
  }

  steps(verb: string): readonly Step[] {
    return this.plan.steps.filter(({ phase }) => phase.verb === verb);
  }

  start(verb: string, count = Number.POSITIVE_INFINITY): this {
    for (const { id } of this.steps(verb).slice(0, count)) {
      this.tell({ type: 'step_started', step: id, undoing: false });
    }
    return this;
  }

  /** All steps of a phase, begun together, and done after `ms`. */
  done(verb: string, ms: number): this {
    this.start(verb).after(ms);
    for (const { id } of this.steps(verb)) {
      this.tell({ type: 'step_done', step: id, undoing: false, unchanged: false, elapsedMs: ms });
    }
    return this;
  }

  fail(verb: string, host: string, failure: Diagnostic, ms: number): this {
    const step = this.steps(verb).find(({ operation }) => hostOf(operation) === host);
    if (step === undefined) throw new Error(`no ${verb} on ${host}`);
    return this.tell({ type: 'step_failed', step: step.id, undoing: false, failure, elapsedMs: ms });
  }

  undo(verb: string, ms: number): this {
    for (const { id } of this.steps(verb).toReversed()) {
      this.tell({ type: 'step_started', step: id, undoing: true }).after(ms);
      this.tell({ type: 'step_done', step: id, undoing: true, unchanged: false, elapsedMs: ms });
    }
    return this;
  }

  traffic(blue: number, green: number, failed = 0): this {
    return this.tell({
      type: 'traffic',
      balancer: asAddress('load_balancer.edge'),
      pools: [
        { pool: 'shop_blue', requests: blue, failed: 0, sessions: blue === 0 ? 0 : 7 },
        { pool: 'shop_green', requests: green, failed, sessions: green === 0 ? 0 : 12 },
      ],
    });
  }
}

export const notHealthy: Diagnostic = {
  code: 'health-deadline',
  severity: 'error',
  summary: 'The service did not become healthy in time',
  detail: 'shop-green on web-2 answered GET :8082/health with 503 for 60 s.',
  hint: 'Mend the release, then plan again.',
};

/** Up to the bake, 14 s in, under load. */
export function bakingRun(plan: Plan): RunScript {
  const script = new RunScript(plan);
  script
    .done('upload', 3800)
    .done('hook', 1200)
    .done('install', 600)
    .done('restart', 5100)
    .done('verify', 1400);
  script.traffic(1000, 0).done('switch', 4);
  for (let second = 1; second <= 3; second += 1) script.after(1000).traffic(1000, second * 480);
  script.start('bake');
  const [bake] = script.steps('bake');
  if (bake !== undefined) {
    script.after(18_000).tell({
      type: 'step_progress',
      step: bake.id,
      done: 18_000,
      total: 30_000,
      unit: 'ms',
      text: '18 s of 30 s',
    });
  }
  return script;
}

export function completeRun(plan: Plan): RunScript {
  const script = bakingRun(plan).after(12_000);
  for (const { id } of script.steps('bake')) {
    script.tell({ type: 'step_done', step: id, undoing: false, unchanged: false, elapsedMs: 30_000 });
  }
  script.done('prune', 800);
  return script.tell({
    type: 'summary',
    outcome: 'complete',
    exitCode: 0,
    elapsedMs: script.now - planned,
    stepsDone: plan.steps.length,
    stepsUndone: 0,
    failures: [],
    traffic: { requests: 22_104, failed: 0 },
  });
}

/** web-2 does not become healthy; everything is undone. */
export function revertedRun(plan: Plan): RunScript {
  const script = new RunScript(plan);
  script.done('upload', 3800).done('hook', 1200).done('install', 600).done('restart', 5100).start('verify');
  const verify = script.steps('verify');
  script.after(60_000).fail('verify', 'web-2', notHealthy, 60_000);
  for (const { id, operation } of verify) {
    if (hostOf(operation) === 'web-2') continue;
    script.tell({ type: 'step_done', step: id, undoing: false, unchanged: false, elapsedMs: 60_000 });
  }
  const undone = ['verify', 'restart', 'install', 'hook', 'upload'];
  script.tell({
    type: 'reverting',
    reason: 'verify failed on web-2',
    steps: undone.flatMap((verb) => script.steps(verb).map(({ id }) => id)),
  });
  for (const verb of undone) script.undo(verb, 100);
  return script.tell({
    type: 'summary',
    outcome: 'reverted',
    exitCode: 3,
    elapsedMs: script.now - planned,
    stepsDone: 0,
    stepsUndone: 13,
    failures: [notHealthy],
    traffic: { requests: 31_000, failed: 0 },
  });
}
