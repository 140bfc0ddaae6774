/** A plan is complete and plain: saved, loaded and applied, it gives the same steps; the engine makes no choices. */
import type { Declared } from './declared.ts';
import type { Diagnostic, SourceRange } from './diagnostic.ts';
import type { Observation } from './observation.ts';
import type { Operation } from './operation.ts';
import type { Address, Instant, Json, StepId } from './words.ts';

export type Action = 'create' | 'update' | 'replace' | 'remove';

/** Declared differs from observed. `before` and `after` are the attributes a person knows, not internal values. */
export interface Change {
  readonly action: Action;
  readonly address: Address;
  /** A clause that ends "because ...": `release.shop is 2.0.0`. */
  readonly because: string;
  readonly origin?: SourceRange;
  readonly before: Json;
  readonly after: Json;
}

/** Observed differs from recorded: somebody else changed it. */
export interface Drift {
  readonly address: Address;
  readonly before: Json;
  readonly after: Json;
  /** What a person should know beyond the two values: "the map file still says shop_blue: a reload would undo it". */
  readonly note?: string;
}

export type Inverse =
  | {
      readonly kind: 'operation';
      readonly operation: Operation;
      /** Performed after it: what comes back into service is checked before traffic can go there again. */
      readonly verify?: Operation & { readonly op: 'health.verify' };
      /**
       * Waits after it, in this order, before anything that the step needed is undone: a record that was put back is
       * back only when every server says so and no resolver remembers the other answer, and who was taken out of a pool
       * still has requests.
       */
      readonly settle?: readonly (Operation & {
        readonly op: 'record.converge' | 'record.expire' | 'pool.resolve' | 'pool.drain';
      })[];
      readonly summary: string;
    }
  /** Nothing was changed, or nothing that matters: "nothing to undo". */
  | { readonly kind: 'nothing'; readonly because: string }
  | { readonly kind: 'irreversible'; readonly because: string };

/** The line of the plan that a step belongs to: steps that do the same on several hosts share one. */
export interface Phase {
  /** Unique in the plan. Phases stand in the order of their first step. */
  readonly key: string;
  /** One word: upload, hook, install, restart, start, stop, verify, drain, switch, bake, prune, configure, return. */
  readonly verb: string;
  /** The rest of the line, without the hosts: `2.0.0-9f86d081 as green`. */
  readonly title: string;
}

export interface Step {
  readonly id: StepId;
  /** Ids of the steps that must be done before. Always earlier in the list. */
  readonly needs: readonly StepId[];
  readonly service: Address | undefined;
  /** What it acts on. */
  readonly address: Address;
  readonly phase: Phase;
  readonly summary: string;
  readonly operation: Operation;
  readonly inverse: Inverse;
  /** What must hold for the step to count as done; undefined: that its effect is seen. */
  readonly gate: string | undefined;
  /** From earlier runs where there are any, else a guess of the planner's. */
  readonly estimateSeconds: number;
  /** Present: its failure need not be the run's. */
  readonly tolerance?: Tolerance;
  /**
   * Which stage of its service's rollout it belongs to, from 1: a share of a canary, or a batch of a rolling upgrade.
   * undefined: it comes before them or after them, or the rollout has none.
   */
  readonly stage?: number;
}

/**
 * A host that may be left out: when one of its steps fails, those that are left of it are not taken, what waited for
 * them goes on, and the host stays out of the pool. When more than `most` hosts of the service failed, the run has.
 */
export interface Tolerance {
  readonly host: string;
  readonly most: number;
}

export interface Proof {
  readonly capacity: readonly {
    readonly service: Address;
    readonly hosts: number;
    /** Hosts that must be in service at every moment, whatever the order that the needs allow. */
    readonly floor: number;
    readonly lowest: number;
    /** How many hosts may fail and be left out; without them the floor holds still. */
    readonly spare?: number;
    /** The step at which it is lowest; undefined when it never falls. */
    readonly atStep: StepId | undefined;
  }[];
  /** True always: a plan that would send traffic to something unverified is refused. */
  readonly trafficOnlyToVerified: true;
  /** Steps from which there is no way back to the start; empty: from every step. */
  readonly noWayBackAfter: readonly StepId[];
  readonly blastRadius: {
    readonly services: number;
    readonly hosts: number;
    /** The largest share of a service's traffic that one step moves, in whole percent, and that step. */
    readonly share: number;
    readonly atStep: StepId | undefined;
  };
}

/** A fact that the plan rests on, as it was seen: a saved plan is stale only if one of these has changed. */
export type Fact = Observation;

export interface Plan {
  readonly format: 1;
  readonly toolVersion: string;
  readonly environment: string;
  readonly lineage: string;
  readonly stateSerial: number;
  readonly createdAt: Instant;
  /** Who made it, `kim@laptop`: not among those who may approve it. */
  readonly author?: string;
  readonly intent: Intent;
  /** Addresses given with --target; empty: everything. */
  readonly targets: readonly Address[];
  /** Addresses given with --exclude; undefined: none. */
  readonly excluded?: readonly Address[];
  /**
   * Services that it is not about: not selected, or not among those that a revert was asked for. They run what they ran
   * before, whatever is declared for them. undefined: none.
   */
  readonly untouched?: readonly Address[];
  readonly drift: readonly Drift[];
  readonly changes: readonly Change[];
  readonly steps: readonly Step[];
  /** What could not or must not be acted on, each with its reason. */
  readonly held: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
  readonly facts: readonly Fact[];
  readonly proof: Proof;
  /** What is declared: what the run needs to reach the world, and what the deployment's record will say. */
  readonly declared: Declared;
  /** SHA-256 of the canonical JSON of all of the above: it names the plan. */
  readonly digest: string;
}

export type Intent =
  | { readonly kind: 'apply' }
  | { readonly kind: 'refresh_only' }
  /** `to`: the deployment to go back to; `services` empty: all of them. */
  | { readonly kind: 'revert'; readonly to: number; readonly services: readonly Address[] };

/** What can be run: a refresh has no steps, and what it accepts is recorded by a {@link RecordEdit}. */
export type RunIntent = Exclude<Intent, { readonly kind: 'refresh_only' }>;

export const summarizeChanges = (
  changes: readonly Change[],
): {
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly remove: number;
} => {
  const count = (action: Action): number => changes.filter((change) => change.action === action).length;
  return {
    create: count('create'),
    update: count('update'),
    replace: count('replace'),
    remove: count('remove'),
  };
};
