/** What a command of the program said to a program: events and documents. */
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
