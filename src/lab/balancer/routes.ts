/** The routes of the lab's balancer and the file that keeps them: written whole and flushed before they are in effect. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Admin } from './pools.ts';

export interface Route {
  readonly stable: string;
  readonly canary: string;
  readonly canaryBasisPoints: number;
}

/** What a restart brings back. */
export interface Kept {
  readonly routes: Readonly<Record<string, Route>>;
  /** Pool, member: those that are out of service. */
  readonly members: Readonly<Record<string, Readonly<Record<string, Admin>>>>;
  /** Lineage of a state, and the newest of its runs that was here. */
  readonly fences: Readonly<Record<string, number>>;
}

const nothing: Kept = { routes: {}, members: {}, fences: {} };

/** A file that is not there is an empty one; one that is not JSON is an error: it must not be taken for "no routes". */
export function readKept(path: string): Kept {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return nothing;
    throw error;
  }
  return { ...nothing, ...(JSON.parse(text) as Partial<Kept>) };
}

export function writeKept(path: string, kept: Kept): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}.new`;
  const file = openSync(fresh, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
