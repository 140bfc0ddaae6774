import { evaluate } from '../hcl/eval/evaluate.ts';
import { type Problem, toDiagnostic } from '../hcl/eval/problem.ts';
import { Scope } from '../hcl/eval/scope.ts';
import type { Value } from '../hcl/eval/values.ts';
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

/** In a scope without names everything is unknown; what the user did was to use a name at all. */
function asLiteralProblem(diagnostic: Diagnostic, why: string): Diagnostic {
  const { hint: _, ...rest } = diagnostic;
  if (diagnostic.summary === 'Unknown variable') {
    return {
      ...rest,
      code: 'variables-not-allowed',
      summary: 'Variables not allowed',
      detail: `Variables may not be used here: ${why}`,
    };
  }
  if (diagnostic.summary === 'Call to unknown function') {
    return {
      ...rest,
      code: 'functions-not-allowed',
      summary: 'Function calls not allowed',
      detail: `Functions may not be called here: ${why}`,
    };
  }
  return diagnostic;
}
