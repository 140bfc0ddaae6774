/** What an environment is at one moment: declared, observed and recorded put side by side, for people and programs. */
import type { Diagnostic } from './diagnostic.ts';
import type { Actor, RunNumber, RunOutcome } from './recorded.ts';
import type { Address, Instant } from './words.ts';

export interface StatusReport {
  readonly environment: string;
  readonly at: Instant;
  /** The run that goes on, or that stopped part-way and waits to be settled. */
  readonly run: RunInProgress | undefined;
  /** The newest deployment. */
  readonly deployment: { readonly number: RunNumber; readonly at: Instant; readonly who: string } | undefined;
  readonly services: readonly ServiceStatus[];
  /** What could not be looked at, and what a person should know beside it. */
  readonly notes: readonly Diagnostic[];
}

export interface RunInProgress {
  readonly run: RunNumber;
  readonly startedAt: Instant;
  readonly actor: Actor;
  /** undefined: it has not ended. */
  readonly outcome: RunOutcome | undefined;
  /** Whether somebody holds the lock for it; false: it was killed and can be resumed. */
  readonly isAlive: boolean;
  readonly stepsDone: number;
  readonly stepsTotal: number;
  /** What it waits for, if not for its own steps: somebody to promote it, or to let it go on. */
  readonly waitsFor?: 'promote' | 'continue';
}

/** `unknown`: not everything could be seen, and nothing that was seen says otherwise. */
export type Sync = 'in_sync' | 'out_of_sync' | 'unknown';

/** `progressing`: something starts, or a run goes on; `degraded`: something that should serve does not. */
export type ServiceHealth = 'healthy' | 'progressing' | 'degraded' | 'unknown';

export interface ServiceStatus {
  readonly address: Address;
  readonly name: string;
  /** The version that takes the traffic; undefined: none, or not known. */
  readonly release: string | undefined;
  readonly sync: Sync;
  readonly health: ServiceHealth;
  readonly slots: readonly SlotStatus[];
  /** The slot that takes the traffic, or most of it. */
  readonly active: string | undefined;
}

export interface SlotStatus {
  readonly name: string;
  /** The version on all of its hosts; undefined: none, several, or not known. */
  readonly release: string | undefined;
  /** Whole percent of the service's traffic; undefined: no balancer, or not known. */
  readonly share: number | undefined;
  readonly hosts: readonly InstanceStatus[];
}

export interface InstanceStatus {
  readonly host: string;
  readonly release: string | undefined;
  readonly process: 'running' | 'stopped' | 'unknown';
  readonly health: 'healthy' | 'unhealthy' | 'not_checked' | 'unknown';
  /** Why it is not healthy or not known, as a clause: `is unreachable since 13:58 (connect timeout)`. */
  readonly why: string | undefined;
}
