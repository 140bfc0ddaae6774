/** The run's own hooks: told on the operator's machine how it ended. They decide nothing. */
import type {
  Declared,
  EnvironmentValue,
  HookDeclared,
  Operation,
  RunNumber,
  StepId,
} from '../model/index.ts';

export interface RunHook {
  /** Names it in the journal: which hook, and after which failure, so that a resume does not run it again. */
  readonly key: StepId;
  readonly operation: Extract<Operation, { op: 'hook.run' }>;
}

export interface HookReason {
  readonly run: RunNumber;
  readonly outcome: string;
  /** One line. */
  readonly reason: string;
  /** How many failures the run has had. */
  readonly failures: number;
}

/** The operations of all hooks of that point, in the order of their declaration. */
export const runHooks = (
  declared: Declared,
  point: 'on_failure' | 'on_revert',
  why: HookReason,
): readonly RunHook[] =>
  declared.hooks
    .filter((hook) => hook.point === point)
    .map((hook, index) => ({
      key: `${point}-${index}-${why.failures}` as StepId,
      operation: {
        op: 'hook.run',
        point,
        place: undefined,
        folder: declared.folder,
        argv: hook.argv,
        environment: environmentOf(hook, declared, why),
        timeoutMs: hook.timeoutMs,
      },
    }));

const environmentOf = (
  hook: HookDeclared,
  declared: Declared,
  why: HookReason,
): Readonly<Record<string, EnvironmentValue>> => ({
  DEPLOYCTL_ENVIRONMENT: declared.environment,
  DEPLOYCTL_RUN: String(why.run),
  DEPLOYCTL_OUTCOME: why.outcome,
  DEPLOYCTL_REASON: why.reason,
  ...hook.environment,
});
