/** Something that a run will need, looked at before there is a run: what `doctor` shows. */
import type { Diagnostic } from './diagnostic.ts';
import type { Address } from './words.ts';

export interface Check {
  /** What was looked at, a noun of one or two words that is the same for all alike: `reach`, `tools`, `disk`. */
  readonly title: string;
  /** Where: a host's address, a balancer's, a zone's; undefined: this machine. */
  readonly address: Address | undefined;
  /** What a person calls it: `web-1`, `edge`, `edge on lb-1`. */
  readonly name: string;
  readonly finding: Finding;
}

/**
 * `wrong` with an error is what a run would fail on; with warnings alone it is worth a look. Each diagnostic says how
 * to mend it. `not_checked`: something else has to be mended first, which has a finding of its own.
 */
export type Finding =
  | { readonly at: 'good'; readonly seen: string }
  | { readonly at: 'wrong'; readonly why: readonly Diagnostic[] }
  | { readonly at: 'not_checked'; readonly because: string };

/** Good with these words, unless there is something wrong. */
export const findingOf = (seen: string, why: readonly Diagnostic[]): Finding =>
  why.length === 0 ? { at: 'good', seen } : { at: 'wrong', why };
