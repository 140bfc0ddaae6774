/** What a failed step means for the rest of the run. */
import type { Declared, OnFailure, Step } from '../model/index.ts';
import { type Progress, progressOf } from './progress.ts';
import { movesTraffic } from './traffic.ts';

/**
 * What the strategy of the step's service says. Until the run has moved any traffic there is nothing that a person
 * could want to look at under load, and everything to win by leaving no trace, so then it always reverts; and so does
 * the failure of a step that belongs to no service.
 */
export function onFailureOf(
  declared: Declared,
  steps: readonly Step[],
  progress: Progress,
  failed: Step,
): OnFailure {
  const hasMovedTraffic = steps.some((step) => {
    const { status, mayHaveEffect } = progressOf(progress, step.id);
    return movesTraffic[step.operation.op] && mayHaveEffect && status !== 'undone';
  });
  if (!hasMovedTraffic) return 'revert';
  const service = declared.services.find((each) => each.address === failed.service);
  return service?.strategy.onFailure ?? 'revert';
}
