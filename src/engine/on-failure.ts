/** What a failed step means for the rest of the run. */
import type { OnFailure, Plan, Step } from '../model/index.ts';

/**
 * What the strategy of the step's service says, whatever was done before: who wrote `pause` or `freeze` wants to find
 * the thing as it failed. A step that belongs to no service (a hook of the run) speaks for all that the plan touches:
 * it reverts only if every one of them would.
 */
export function onFailureOf({ declared, steps }: Pick<Plan, 'declared' | 'steps'>, failed: Step): OnFailure {
  const touched = new Set(steps.flatMap(({ service }) => service ?? []));
  const asked = declared.services
    .filter(({ address }) =>
      failed.service === undefined ? touched.has(address) : address === failed.service,
    )
    .map(({ strategy }) => strategy.onFailure);
  if (asked.every((each) => each === 'revert')) return 'revert';
  return asked.includes('freeze') ? 'freeze' : 'pause';
}
