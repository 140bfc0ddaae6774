/** The environment's own commands around the whole run. */
import {
  asAddress,
  type Declared,
  type HookDeclared,
  type HookPoint,
  type Intent,
  type Step,
  type StepId,
} from '../model/index.ts';
import { commandLine } from '../strategies/hooks.ts';
import { lastOf, startAfter } from './order.ts';

/** before_apply, or on_revert in a revert, before everything; after_apply after everything. Nothing where there are no steps. */
export function wrapInRunHooks(
  steps: readonly Step[],
  declared: Declared,
  intent: Intent,
  estimate: (verb: string) => number,
): readonly Step[] {
  if (steps.length === 0) return steps;
  const first = hookSteps(intent.kind === 'revert' ? 'on_revert' : 'before_apply', [], declared, estimate);
  const body = startAfter(steps, lastOf(first));
  const last = hookSteps('after_apply', lastOf(body), declared, estimate);
  return [...first, ...body, ...last];
}

function hookSteps(
  point: HookPoint,
  needs: readonly StepId[],
  declared: Declared,
  estimate: (verb: string) => number,
): readonly Step[] {
  const steps: Step[] = [];
  const hooks = declared.hooks.filter((hook) => hook.point === point);
  for (const [index, hook] of hooks.entries()) {
    const before = steps.at(-1);
    steps.push(hookStep(hook, index, before === undefined ? needs : [before.id], declared, estimate));
  }
  return steps;
}

function hookStep(
  hook: HookDeclared,
  index: number,
  needs: readonly StepId[],
  declared: Declared,
  estimate: (verb: string) => number,
): Step {
  const title = `${hook.point}: ${commandLine(hook.argv)}`;
  return {
    id: `run/hook/${hook.point}#${index}` as StepId,
    needs,
    service: undefined,
    address: asAddress('deployctl'),
    phase: { key: `hook|${hook.point}#${index}`, verb: 'hook', title },
    summary: `hook ${title}`,
    operation: {
      op: 'hook.run',
      point: hook.point,
      place: undefined,
      folder: declared.folder,
      argv: hook.argv,
      environment: {
        DEPLOYCTL_HOOK: hook.point,
        DEPLOYCTL_ENVIRONMENT: declared.environment,
        ...hook.environment,
      },
      timeoutMs: hook.timeoutMs,
    },
    inverse: { kind: 'nothing', because: 'nothing to undo' },
    gate: 'it exits with 0',
    estimateSeconds: estimate('hook'),
  };
}
