import type { Address } from './words.ts';

/** A place in a source text. Lines and columns start at 1; columns count grapheme clusters, `byte` UTF-8 bytes. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
  readonly byte: number;
}

/** From `start` up to, not including, `end`. `file` is the path as the user would type it. */
export interface SourceRange {
  readonly file: string;
  readonly start: SourcePosition;
  readonly end: SourcePosition;
}

/**
 * Something the user can act on. It is returned, collected and sorted late; never thrown for control flow.
 *
 * `summary` is short and fixed and names nothing; `detail` has sentences with names and numbers; `hint` says
 * what to do next, a command where there is one. No field ever holds a sensitive value.
 */
export interface Diagnostic {
  /** Stable kebab-case code, for tests, for scripts and for documentation. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly summary: string;
  readonly detail: string;
  readonly hint?: string;
  /** What the error is about. */
  readonly subject?: SourceRange;
  /** What surrounds it and should be shown with it, when that is more than the subject's own lines. */
  readonly context?: SourceRange;
  readonly address?: Address;
  /** `name is value` lines of the expression that failed; sensitive values say only that they are. */
  readonly values?: readonly string[];
}

export const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === 'error';

/** A value, or the reasons why there is none. Warnings may come with a value. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const outOfReach: ReadonlySet<string> = new Set(['host-unreachable', 'host-timeout']);

/**
 * No connection came about, which the next try may bring. A host that answers, but with another host key, or that lets
 * nobody in, is not out of reach: somebody has to look at it.
 */
export const isOutOfReach = ({ code }: Diagnostic): boolean => outOfReach.has(code);
