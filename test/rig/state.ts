/** Folders and holders for tests of the state, and reading what a promise was refused with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor, Clock, Instant } from '../../src/model/index.ts';
import { StateFailure } from '../../src/model/index.ts';

export const actor: Actor = { who: 'kim@laptop', pid: 1, command: 'deployctl apply test' };
export const at = (ms: number): Instant => ms as Instant;

/** A folder that goes when the test does. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'deployctl-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Lineages that a test can foretell. */
export function countingIds(prefix = 'id'): () => string {
  let next = 0;
  return () => `${prefix}-${++next}`;
}

/** The code with which the state refuses; `undefined` if it does not. Anything else that is thrown is a bug. */
export async function refusal(attempt: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (cause) {
    if (cause instanceof StateFailure) return cause.diagnostic.code;
    throw cause;
  }
}

export const wallClock: Clock = {
  now: () => Date.now() as Instant,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    }),
};
