/** What a command of the program said to a program: events and documents. */
import type { ChildProcess } from 'node:child_process';
import { expect } from 'vitest';
import type { Ended } from './program.ts';
import type { Scene } from './scene.ts';

export interface EventLine {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** The events of `apply --json` and `revert --json`, one a line. */
export const eventsOf = ({ stdout }: Ended): readonly EventLine[] =>
  stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): EventLine => JSON.parse(line));

export const codesOf = (diagnostics: readonly { readonly code: string }[]): readonly string[] =>
  diagnostics.map((each) => each.code);

/** Resolves once its standard output has said it; rejects when it ends before. */
export const untilOutput = (child: ChildProcess, pattern: RegExp): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) resolve();
    });
    child.once('close', () => reject(new Error(`ended before ${pattern}: ${text.slice(-2000)}`)));
  });

/** Right after an apply there is nothing to do, nothing drifted, and the exit code says so. */
export async function expectNoChanges(scene: Scene): Promise<void> {
  const planned = await scene.cli('plan', '--detailed-exitcode');
  expect(planned.stdout).toContain('No changes.');
  expect(planned.code).toBe(0);
  expect(JSON.parse((await scene.cli('plan', '--json')).stdout)).toMatchObject({ drift: [], steps: [] });
}

export async function expectApplied(scene: Scene, version?: string): Promise<void> {
  if (version !== undefined) scene.setVersion(version);
  const applied = await scene.cli('apply', '--auto-approve');
  expect(applied.stderr).toBe('');
  expect(applied.code).toBe(0);
}
