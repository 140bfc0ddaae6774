import { evaluate } from '../hcl/eval/evaluate.ts';
import { type Problem, toDiagnostic } from '../hcl/eval/problem.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import type { Value } from '../hcl/eval/values.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import type { Place, Problems, Wording } from './problems.ts';

/** A value that could not be known, where a known one is needed. An error only if nothing else explains it. */
export interface UnknownSite {
  readonly place: Place;
  readonly argument: string;
}

/**
 * Where decoding says what is wrong. With `oncePerPlace` an expression that is evaluated again and again (for each
 * host of a slot) is wrong once, whatever the values were.
 */
export class Reporter {
  readonly problems: Problems;
  readonly unknowns: UnknownSite[];
  readonly #oncePerPlace: boolean;

  constructor(problems: Problems, unknowns: UnknownSite[] = [], oncePerPlace = false) {
    this.problems = problems;
    this.unknowns = unknowns;
    this.#oncePerPlace = oncePerPlace;
  }

  /** The same for blocks that are decoded once for each instance. */
  get forInstances(): Reporter {
    return new Reporter(this.problems, this.unknowns, true);
  }

  error(place: Place | undefined, wording: Wording): void {
    this.problems.error(place, wording);
  }

  warning(place: Place | undefined, wording: Wording): void {
    this.problems.warning(place, wording);
  }

  evaluation(problem: Problem, code?: string): void {
    const diagnostic = toDiagnostic(problem);
    this.problems.add(code === undefined ? diagnostic : { ...diagnostic, code }, this.#oncePerPlace);
  }

  unknown(place: Place, argument: string): void {
    this.unknowns.push({ place, argument });
  }

  /** The value of an expression; undefined when it has none, which is reported. It may be unknown. */
  evaluate(expression: Expression, scope: Scope): Value | undefined {
    const { value, diagnostics } = evaluate(expression, scope);
    if (diagnostics.length === 0) return value;
    for (const diagnostic of diagnostics) this.problems.add(diagnostic, this.#oncePerPlace);
    return undefined;
  }
}
