/** A way to switch a load balancer, as the bench of switches runs it. */
import type { HostChannels } from '../../src/transport/index.ts';
import type { Backend } from '../../test/rig/backend.ts';

export type Side = 'blue' | 'green';

export interface Way {
  readonly name: string;
  /** Starts its proxy with all traffic at blue, measures, and ends it. */
  stand<T>(stage: Stage, measure: Measure<T>): Promise<T>;
}

export interface Stage {
  readonly blue: Backend;
  readonly green: Backend;
  /** To the proxy's host, which is called `lb-1`. */
  readonly channels: HostChannels;
  /** The command that starts the proxy. */
  readonly by: readonly string[];
}

export type Measure<T> = (standing: Standing) => Promise<T>;

export interface Standing {
  readonly port: number;
  switchTo(from: Side, to: Side): Promise<void>;
  /** What a switch does on the host except for the switch: as many scripts, the lock, the looks, what the rules answer. */
  readonly lookAt?: (side: Side) => Promise<void>;
}
