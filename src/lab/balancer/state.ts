import type { IncomingHttpHeaders } from 'node:http';
import { writeKeptFile } from '../kept-file.ts';
import type { Pool } from './pools.ts';
import type { Kept } from './routes.ts';

/** Everything that the control socket reads and changes. */
export interface LabState {
  readonly pools: ReadonlyMap<string, Pool>;
  readonly stateFile: string;
  kept: Kept;
  /** Where a request of this route with these headers goes now; undefined: nowhere. */
  decide(route: string, headers: IncomingHttpHeaders): Pool | undefined;
}

/** Kept on the disk before it is in effect. */
export function keep(state: LabState, kept: Kept): void {
  writeKeptFile(state.stateFile, kept);
  state.kept = kept;
}
