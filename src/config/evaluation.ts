import { evaluate } from '../hcl/eval/evaluate.ts';
import { type Problem, toDiagnostic } from '../hcl/eval/problem.ts';
import { Scope } from '../hcl/eval/scope.ts';
import { string, type Value } from '../hcl/eval/values.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import type { Diagnostic } from '../model/index.ts';
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
    // What most arguments are; it needs no scope, and nothing can be wrong with it.
    if (expression.kind === 'string') return string(expression.value);
    const { value, diagnostics } = evaluate(expression, scope);
    if (diagnostics.length === 0) return value;
    for (const diagnostic of diagnostics) this.problems.add(diagnostic, this.#oncePerPlace);
    return undefined;
  }

  /** The value of an expression that must stand for itself: no references, no functions. `why` completes the error. */
  evaluateLiteral(expression: Expression, source: SourceText, why: string): Value | undefined {
    const { value, diagnostics } = evaluate(expression, new Scope({ source, functions: new Map() }));
    if (diagnostics.length === 0) return value;
    for (const diagnostic of diagnostics) this.problems.add(asLiteralProblem(diagnostic, why));
    return undefined;
  }
}

const literalOnly: ReadonlyMap<string, readonly [code: string, sentence: string]> = new Map([
  ['Variables not allowed', ['variables-not-allowed', 'Variables may not be used here']],
  ['Function calls not allowed', ['functions-not-allowed', 'Functions may not be called here']],
]);

/** Says why there are no names here. */
function asLiteralProblem(diagnostic: Diagnostic, why: string): Diagnostic {
  const known = literalOnly.get(diagnostic.summary);
  return known === undefined ? diagnostic : { ...diagnostic, code: known[0], detail: `${known[1]}: ${why}` };
}
