/** What a command of the program said to a program: events and documents. */
import type { ChildProcess } from 'node:child_process';
import type { Ended } from './scene.ts';

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
