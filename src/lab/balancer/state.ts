import { writeKeptFile } from '../kept-file.ts';
import type { PoolTable } from './configured.ts';
import type { Pool } from './pools.ts';
import type { Asked, Kept } from './routes.ts';

/** Everything that the control socket reads and changes. */
export interface LabState {
  readonly table: PoolTable;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly stateFile: string;
  kept: Kept;
  /** Where a request of this route with these headers goes now; undefined: nowhere. */
  decide(route: string, asked: Asked): Pool | undefined;
}

/** Kept on the disk before it is in effect. */
export function keep(state: LabState, kept: Kept): void {
  writeKeptFile(state.stateFile, kept);
  state.kept = kept;
}

/** Members that were taken out of service stay out, over a restart and over a change of the pools. */
export function restoreMembers({ pools, kept }: Pick<LabState, 'pools' | 'kept'>): void {
  for (const [pool, members] of Object.entries(kept.members)) {
    for (const member of pools.get(pool)?.members ?? []) member.setAdmin(members[member.name] ?? 'ready');
  }
}
