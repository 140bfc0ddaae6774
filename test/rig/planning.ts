import {
  type BalancerDeclared,
  type Declared,
  emptyRecord,
  type Intent,
  type Observation,
  type Plan,
  type Recorded,
} from '../../src/model/index.ts';
import { planEnvironment } from '../../src/planner/plan.ts';
import { everything, type Selection } from '../../src/planner/selection.ts';
import { now } from './worlds.ts';

export interface Planning {
  readonly declared: Declared;
  readonly observations: readonly Observation[];
  readonly recorded?: Partial<Recorded>;
  readonly intent?: Intent;
  readonly selection?: Selection;
  /** Default: no balancer has a config_file. */
  readonly renderConfig?: (balancer: BalancerDeclared) => string | undefined;
}

export const planOf = (wish: Planning): Plan => ({
  ...planEnvironment({
    declared: wish.declared,
    observed: { observations: wish.observations, notes: [] },
    recorded: { ...emptyRecord('0190'), ...wish.recorded },
    intent: wish.intent ?? { kind: 'apply' },
    selection: wish.selection ?? everything,
    renderConfig: wish.renderConfig ?? (() => undefined),
    durations: {},
    now,
    toolVersion: '0.1.0',
  }),
  digest: '',
});
