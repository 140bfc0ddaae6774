/** Plan, show, ask, run: what `apply` and `revert` have in common. */
import { applyPlan, refuseActor, refuseByPolicy, refuseUnfinished } from '../app/apply.ts';
import type { AppContext } from '../app/context.ts';
import type { Loaded } from '../app/load.ts';
import type { Planned } from '../app/plan.ts';
import { refuseUnwritable, savePlan } from '../app/plan-file.ts';
import { recordDrift } from '../app/record-edits.ts';
import { actorOf, readRecorded } from '../app/state.ts';
import { isError } from '../model/index.ts';
import { outputsText } from '../ui/outputs-text.ts';
import { paint } from '../ui/paint.ts';
import { planJson } from '../ui/plan-json.ts';
import { approve } from '../ui/prompt.ts';
import { withoutStepsJson } from '../ui/refusal-json.ts';
import { counted } from '../ui/time-text.ts';
import { CommandFailure } from './base.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { jsonText } from './json-text.ts';
import { planText } from './plan-view.ts';
import { runWithView } from './run-view.ts';
import type { Terminal } from './terminal.ts';
import { type LockFlags, withLock } from './with-lock.ts';

export interface PerformFlags extends LockFlags {
  readonly 'auto-approve': boolean;
  readonly parallelism: number;
  readonly json: boolean;
  readonly concise: boolean;
  /** Save the plan and perform nothing. */
  readonly out?: string | undefined;
}

export interface Making {
  /** Throws where there is no such environment: it is told before anything is asked for. */
  readonly locate: () => void;
  readonly load: () => Promise<Loaded>;
  readonly make: () => Promise<Planned>;
  readonly verb: 'apply' | 'revert';
  /** The plan took the record for the world: what it rests on is looked at before anything is done. */
  readonly takesRecord?: boolean;
}

/** Nothing is touched before the lock is held, nothing is held, and somebody has said yes. */
export async function performMade(
  terminal: Terminal,
  making: Making,
  flags: PerformFlags,
  cx: AppContext,
  print: (text: string) => void,
): Promise<ExitCode> {
  making.locate();
  if (flags.out === undefined) refuseWithoutApproval(terminal, flags, making.verb);
  else refuseUnwritable(flags.out);
  const loaded = await making.load();
  return withLock(loaded.declared.state, loaded.environment.name, flags, cx, async () => {
    refuseUnfinished(await readRecorded(loaded.declared.state));
    const planned = await making.make();
    await using world = planned.reach;
    const { plan } = planned;
    if (flags.out !== undefined) savePlan(plan, flags.out);
    if (!flags.json) {
      const saved = flags.out === undefined ? {} : { out: flags.out };
      print(
        planText(planned, terminal, { ...saved, parallelism: flags.parallelism, concise: flags.concise }),
      );
    }
    if (plan.held.some(isError)) {
      if (flags.json) throw new CommandFailure(plan.held);
      return exitCode.error;
    }
    if (flags.out !== undefined) {
      if (flags.json) print(jsonText(planJson(plan), terminal.call));
      return exitCode.done;
    }
    const isRefresh = plan.intent.kind === 'refresh_only';
    if (isRefresh ? plan.drift.length === 0 : plan.steps.length === 0) {
      const outputs = making.verb === 'apply' && !isRefresh ? plan.declared.outputs : {};
      if (flags.json) print(JSON.stringify(withoutStepsJson(cx.clock.now(), outputs)));
      else if (Object.keys(outputs).length > 0)
        print(`\n${outputsText(outputs, paint(terminal.color.stdout))}`);
      return exitCode.done;
    }
    if (isRefresh) refuseActor(plan.declared, cx);
    else refuseByPolicy(plan, cx);
    if (!flags['auto-approve']) {
      print('\n');
      const isApproved = await approve({
        input: terminal.stdin as NodeJS.ReadableStream,
        output: terminal.stdout as NodeJS.WritableStream,
        paint: paint(terminal.color.stdout),
      });
      if (!isApproved) return exitCode.error;
    }
    if (isRefresh) {
      await recordDrift(plan, world, cx);
      print(flags.json ? JSON.stringify(withoutStepsJson(cx.clock.now())) : recordedText(plan.drift.length));
      return exitCode.done;
    }
    const isLookedAt = making.takesRecord !== true;
    const view = { ...flags, who: actorOf(cx).who };
    return (
      await runWithView((running) => applyPlan(plan, world, running, cx, { isLookedAt }), terminal, view)
    ).exitCode;
  });
}

const recordedText = (count: number): string =>
  `Recorded what stands there at ${counted(count, 'address', 'addresses')}. Nothing else was changed.`;

/** No terminal and no --auto-approve: refused before anything is read, let alone touched. */
export function refuseWithoutApproval(
  terminal: Terminal,
  flags: Pick<PerformFlags, 'auto-approve' | 'json'>,
  verb: string,
): void {
  if (flags['auto-approve'] || (terminal.interactive && !flags.json)) return;
  throw new CommandFailure([
    {
      code: 'approval-needed',
      severity: 'error',
      summary: 'There is nobody to ask for approval',
      detail: flags.json
        ? `With --json nothing is asked, so ${verb} needs --auto-approve.`
        : `Standard input or output is not a terminal, or --no-input was given, so ${verb} cannot ask.`,
      hint: verb.startsWith('state')
        ? 'Nothing was touched. Add --auto-approve.'
        : 'Nothing was touched. Add --auto-approve, or apply a plan that was saved with --out.',
    },
  ]);
}
