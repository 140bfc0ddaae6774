import type { Span } from '../hcl/eval/problem.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import type { Diagnostic } from '../model/diagnostic.ts';

/** Where in the files something stands. */
export interface Place {
  readonly source: SourceText;
  readonly span: Span;
}

export const placeOf = (source: SourceText, span: Span): Place => ({ source, span });

export interface Wording {
  readonly code: string;
  readonly summary: string;
  readonly detail: string;
  readonly hint?: string | undefined;
  readonly context?: Span | undefined;
}

/**
 * Collects what is wrong, so that all of it is told at once. The same sentence about the same place is kept once: a
 * block that is evaluated for a hundred hosts is wrong once.
 */
export class Problems {
  readonly #found = new Map<string, Diagnostic>();
  readonly #places = new Set<string>();
  #errors = 0;

  get errorCount(): number {
    return this.#errors;
  }

  /** In the order of the files, then of the places in them; what has no place comes first. */
  sorted(): Diagnostic[] {
    return [...this.#found.values()].sort((a, b) => {
      const [x, y] = [a.subject, b.subject];
      if (x === undefined || y === undefined) return (x === undefined ? 0 : 1) - (y === undefined ? 0 : 1);
      if (x.file !== y.file) return x.file < y.file ? -1 : 1;
      return x.start.byte - y.start.byte;
    });
  }

  error(place: Place | undefined, wording: Wording): void {
    this.add(compose('error', place, wording));
  }

  warning(place: Place | undefined, wording: Wording): void {
    this.add(compose('warning', place, wording));
  }

  /** `oncePerPlace`: whatever it says, one error of its code for each place is enough. */
  add(diagnostic: Diagnostic, oncePerPlace = false): void {
    const { code, subject, detail } = diagnostic;
    const place = subject === undefined ? '' : `${subject.file}:${subject.start.byte}:${subject.end.byte}`;
    const site = `${code} ${place}`;
    if (oncePerPlace && subject !== undefined && this.#places.has(site)) return;
    const key = `${site} ${detail}`;
    if (this.#found.has(key)) return;
    this.#found.set(key, diagnostic);
    this.#places.add(site);
    if (diagnostic.severity === 'error') this.#errors++;
  }
}

function compose(severity: 'error' | 'warning', place: Place | undefined, wording: Wording): Diagnostic {
  const { code, summary, detail, hint, context } = wording;
  return {
    code,
    severity,
    summary,
    detail,
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { subject: place.source.rangeOf(place.span) }),
    ...(place === undefined || context === undefined ? {} : { context: place.source.rangeOf(context) }),
  };
}
