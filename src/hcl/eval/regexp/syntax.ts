/** A pattern that RE2 does not have. `code` and `excerpt` are in the words of Go's regexp package. */
export class PatternFailure extends Error {
  override readonly name = 'PatternFailure';
  readonly code: string;
  readonly excerpt: string;
  constructor(code: string, excerpt: string) {
    super(`${code}: \`${excerpt}\``);
    this.code = code;
    this.excerpt = excerpt;
  }
}

/** Tells whether a code point fits. */
export type CharacterTest = (codePoint: number) => boolean;

export type Assertion =
  | 'text-start'
  | 'text-end'
  | 'line-start'
  | 'line-end'
  | 'word-boundary'
  | 'no-word-boundary';

/** A pattern after parsing. Counted repetitions are still counted. */
export type Pattern =
  | { readonly kind: 'empty' }
  | { readonly kind: 'character'; readonly fits: CharacterTest }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'group'; readonly index: number; readonly inner: Pattern }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly options: readonly Pattern[] }
  | {
      readonly kind: 'repeat';
      readonly inner: Pattern;
      readonly min: number;
      /** Infinity: no limit. */
      readonly max: number;
      readonly isGreedy: boolean;
    };

export interface ParsedPattern {
  readonly pattern: Pattern;
  /** The names of the groups from 1 on; undefined for those without. */
  readonly groups: readonly (string | undefined)[];
}
