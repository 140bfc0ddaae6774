/** Event logs of runs, told in a few words: for tests of what people and programs see while a run goes on. */
import {
  asAddress,
  asInstant,
  type Diagnostic,
  type DryRunVerdict,
  type Event,
  type EventBody,
  hostOf,
  type Plan,
  type Step,
  type StepId,
} from '../../src/model/index.ts';
import { planOf } from './planning.ts';
import { hostNamed, planned } from './sample-plans.ts';
import { declare, judged, rolling, seen, service } from './worlds.ts';

/** Numbers events and moves the clock. */
export class RunScript {
  readonly events: Event[] = [];
  readonly plan: Plan;
  #at: number = planned;

  constructor(plan: Plan, done?: readonly StepId[], previousDeployment = 41) {
    this.plan = plan;
    this.tell({
      type: 'run_started',
      plan,
      resumed: done !== undefined,
      previousDeployment,
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

/** `judged` of the planner's worlds: blue serves 1.0.0, green gets 2.0.0 in four stages. */
export function canaryPlan(): Plan {
  const shop = service({ strategy: judged });
  const observations = seen(shop, { blue: '1.0.0' }, 'blue');
  return { ...planOf({ declared: declare([shop], 75), observations }), digest: 'c0ffee' };
}

/** One slot, renewed in batches. */
export function batchPlan(hosts = 12, batch = 3): Plan {
  const shop = service({ strategy: { ...rolling, batch: { hosts: batch } }, hosts: hostNamed(hosts) });
  return {
    ...planOf({ declared: declare([shop], 75), observations: seen(shop, { main: '1.0.0' }, 'main') }),
    digest: 'c0ffee',
  };
}

/** Everything before the stages is done, and so many stages; a second of traffic after each. */
export class StageScript extends RunScript {
  #blue = 0;
  #green = 0;
  #failed = 0;

  constructor(plan: Plan) {
    super(plan);
    for (const step of plan.steps.filter(({ stage }) => stage === undefined)) this.#done(step, 300);
    this.counted(500, 0);
  }

  /** A second passes, in which so many requests come. */
  counted(blue: number, green: number, failed = 0): this {
    this.#blue += blue;
    this.#green += green;
    this.#failed += failed;
    return this.after(1000).tell({
      type: 'traffic',
      balancer: asAddress('load_balancer.edge'),
      pools: [
        { pool: 'shop_blue', requests: this.#blue, failed: 0, sessions: 7, meanMs: 12 },
        { pool: 'shop_green', requests: this.#green, failed: this.#failed, sessions: 3, meanMs: 13.4 },
      ],
    });
  }

  stage(number: number): readonly Step[] {
    return this.plan.steps.filter((step) => step.stage === number);
  }

  /** Moves the share, and opens the first gate of the stage. */
  open(number: number): this {
    const [move, gate] = this.stage(number);
    if (move !== undefined) this.#done(move, 4);
    return gate === undefined ? this : this.begin(gate);
  }

  begin({ id }: Step): this {
    return this.tell({ type: 'step_started', step: id, undoing: false });
  }

  pass(number: number): this {
    for (const step of this.stage(number).slice(1)) this.#done(step, 1000);
    return this;
  }

  /** One step after the other. */
  take(number: number, count: number): this {
    for (const step of this.stage(number).slice(0, count)) this.#done(step, 500);
    return this;
  }

  progress(step: Step | undefined, done: number, total: number, text: string): this {
    return step === undefined
      ? this
      : this.tell({ type: 'step_progress', step: step.id, done, total, unit: 'ms', text });
  }

  judge(
    step: Step | undefined,
    verdict: 'pass' | 'fail' | 'inconclusive',
    reason: string,
    dryRun?: DryRunVerdict,
  ): this {
    const service = asAddress('service.shop');
    return step === undefined
      ? this
      : this.tell({
          type: 'verdict',
          step: step.id,
          service,
          verdict,
          reason,
          dryRun,
          requests: 100,
          failed: 0,
        });
  }

  #done(step: Step, ms: number): void {
    this.begin(step).after(ms);
    this.tell({ type: 'step_done', step: step.id, undoing: false, unchanged: false, elapsedMs: ms });
  }
}

/** In the third stage: 25% wanted, three minutes of ten. */
export function canaryRun(): StageScript {
  const script = new StageScript(canaryPlan());
  script.open(1).counted(500, 0).counted(499, 1).after(58_000).pass(1);
  script.open(2).counted(500, 0).counted(475, 25).counted(474, 26).after(297_000).pass(2);
  script.open(3).counted(470, 30).counted(376, 124).counted(374, 126, 1).counted(375, 125);
  const [, bake] = script.stage(3);
  return script
    .progress(bake, 180_000, 600_000, '3 min of 10 min')
    .judge(bake, 'inconclusive', '376 of the 500 requests that a verdict needs have come')
    .after(176_000);
}

/** The bake is over, and a person is waited for. */
export function waitingRun(): StageScript {
  const script = canaryRun();
  const [, bake, approve] = script.stage(3);
  if (bake === undefined || approve === undefined) throw new Error('no gates');
  script.judge(bake, 'pass', 'none of 31,204 requests failed, at most 1% may');
  script.tell({ type: 'step_done', step: bake.id, undoing: false, unchanged: false, elapsedMs: 600_000 });
  script.begin(approve);
  script.tell({
    type: 'approval_needed',
    step: approve.id,
    service: asAddress('service.shop'),
    sharePercent: 25,
  });
  script.judge(approve, 'pass', 'none of 31,204 requests failed, at most 1% may');
  return script.progress(approve, 12_000, 0, 'waits to be promoted, since 12 s').counted(375, 125);
}

/** The second stage is found bad, and all of it is taken back. */
export function badCanaryRun(): StageScript {
  const script = new StageScript(canaryPlan());
  script.open(1).counted(500, 0).counted(499, 1).after(58_000).pass(1);
  script.open(2).counted(500, 0).counted(475, 25, 5).counted(474, 26, 6);
  const [share, bake] = script.stage(2);
  if (share === undefined || bake === undefined) throw new Error('no gates');
  const reason = "22% of 51 requests failed, at most 1% may; of the stable side's 949 it was 0%";
  script.judge(bake, 'fail', reason);
  const failure: Diagnostic = {
    code: 'analysis-failed',
    severity: 'error',
    summary: 'The canary is worse than it may be',
    detail: `service.shop at 5%: ${reason}.`,
  };
  script.tell({ type: 'step_failed', step: bake.id, undoing: false, failure, elapsedMs: 3000 });
  script.tell({ type: 'reverting', reason: 'bake failed', steps: [bake.id, share.id] });
  for (const { id } of [bake, share]) {
    script.tell({ type: 'step_started', step: id, undoing: true }).after(4);
    script.tell({ type: 'step_done', step: id, undoing: true, unchanged: false, elapsedMs: 4 });
  }
  return script.counted(500, 0);
}

/** The second of four batches is being renewed. */
export function batchRun(): StageScript {
  const script = new StageScript(batchPlan());
  script.take(1, script.stage(1).length).take(2, 9);
  for (const step of script.stage(2).slice(9, 12)) script.begin(step);
  return script.after(1000);
}
