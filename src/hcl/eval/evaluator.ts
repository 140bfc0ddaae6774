import type { Expression } from '../syntax/ast.ts';
import { AccessFailure, elementOf, takeStep } from './access.ts';
import { evaluateCall } from './evaluate-call.ts';
import { evaluateConditional } from './evaluate-conditional.ts';
import { evaluateFor } from './evaluate-for.ts';
import { evaluateObject } from './evaluate-object.ts';
import { evaluateBinary, evaluateUnary } from './evaluate-operation.ts';
import { evaluateSplat } from './evaluate-splat.ts';
import { evaluateTemplate, evaluateTemplateFor } from './evaluate-template.ts';
import type { Budget } from './limits.ts';
import { parseNumber } from './numbers.ts';
import type { Problem, Span } from './problem.ts';
import type { Scope } from './scope.ts';
import { nearestName } from './suggestion.ts';
import type { Value } from './values.ts';
import { bool, NULL, number, string, tuple, UNKNOWN } from './values.ts';

const NO_PROBLEMS: readonly Problem[] = [];

/**
 * One evaluation: goes through an expression and collects what is wrong with it. A part that cannot be evaluated
 * counts as unknown, so that the others are looked at as well.
 */
export class Evaluator {
  #problems: Problem[] | undefined;
  /**
   * References to what does not exist. They count even where the result is not used, in a `try` or in the side of a
   * conditional that is not taken: otherwise a typing error would go unnoticed for ever.
   */
  danglingReferences: readonly Problem[] = NO_PROBLEMS;
  readonly budget: Budget;
  /** How many templates are being rendered around this evaluation. */
  readonly templateDepth: number;

  constructor(budget: Budget, templateDepth = 0) {
    this.budget = budget;
    this.templateDepth = templateDepth;
  }

  /** In the order found. */
  get problems(): readonly Problem[] {
    return this.#problems ?? NO_PROBLEMS;
  }

  /** Takes back what was found since there were `before` problems: it does not count, or not yet. */
  takeBack(before: number): readonly Problem[] {
    return this.#problems?.splice(before) ?? NO_PROBLEMS;
  }

  /** For a template inside of this evaluation, with the same budget and problems of its own. */
  nested(): Evaluator {
    return new Evaluator(this.budget, this.templateDepth + 1);
  }

  /** Never throws for what a user can write, except LimitFailure. */
  value(node: Expression, scope: Scope): Value {
    this.budget.spend(1);
    switch (node.kind) {
      case 'string':
        return string(node.value);
      case 'number':
        return this.#number(node.text, node, scope);
      case 'boolean':
        return bool(node.value);
      case 'null':
        return NULL;
      case 'traversal':
        return this.#reference(node, scope);
      case 'relative':
        return this.#steps(this.value(node.source, scope), node, 0, scope);
      case 'template':
        return evaluateTemplate(this, node, scope);
      case 'templateWrap':
      case 'parentheses':
        return this.value(node.inner, scope);
      case 'templateIf':
      case 'conditional':
        return evaluateConditional(this, node, scope);
      case 'templateFor':
        return evaluateTemplateFor(this, node, scope);
      case 'tuple':
        return this.#tuple(node, scope);
      case 'object':
        return evaluateObject(this, node, scope);
      case 'for':
        return evaluateFor(this, node, scope);
      case 'call':
        return evaluateCall(this, node, scope);
      case 'unary':
        return evaluateUnary(this, node, scope);
      case 'binary':
        return evaluateBinary(this, node, scope);
      case 'index':
        return this.#index(node, scope);
      case 'splat':
        return evaluateSplat(this, node, scope);
      case 'splatItem':
        return scope.item ?? UNKNOWN;
      case 'invalid':
        return UNKNOWN;
    }
  }

  report(problem: Problem): Value {
    // Made only now: nearly all evaluations find nothing wrong, and there is one for each argument.
    this.#problems ??= [];
    this.#problems.push(problem);
    return UNKNOWN;
  }

  #dangling(problem: Problem): Value {
    this.danglingReferences = [...this.danglingReferences, problem];
    return this.report(problem);
  }

  /** Whether anything has gone wrong since there were `before` problems. */
  failedSince(before: number): boolean {
    return this.problems.length > before;
  }

  #number(text: string, node: Span, scope: Scope): Value {
    const parsed = parseNumber(text);
    if (parsed !== undefined) return number(parsed);
    const detail = 'This number is too large or too small to work with.';
    return this.report({ summary: 'Number out of range', detail, subject: node, scope });
  }

  /** Not where the kinds are told apart: what a closure captures is set aside there for every node, whatever its kind. */
  #tuple(node: Extract<Expression, { kind: 'tuple' }>, scope: Scope): Value {
    return tuple(node.items.map((item) => this.value(item, scope)));
  }

  #reference(node: Extract<Expression, { kind: 'traversal' }>, scope: Scope): Value {
    const found = scope.resolve(node.root, node);
    if (found === undefined) {
      if (scope.roots === undefined) {
        const detail = 'Variables may not be used here.';
        return this.#dangling({ summary: 'Variables not allowed', detail, subject: node, scope });
      }
      const nearest = nearestName(node.root, scope.names());
      const suggestion = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
      return this.#dangling({
        summary: 'Unknown variable',
        detail: `There is no variable named "${node.root}".${suggestion}`,
        subject: { start: node.start, end: node.rootEnd },
        context: node,
        scope,
      });
    }
    if (found.problem !== undefined) {
      this.#dangling({ ...found.problem, subject: node, scope });
      return found.value;
    }
    return this.#steps(found.value, node, found.stepsTaken ?? 0, scope);
  }

  #steps(
    from: Value,
    node: Extract<Expression, { kind: 'traversal' | 'relative' }>,
    taken: number,
    scope: Scope,
  ): Value {
    let value = from;
    for (let index = taken; index < node.steps.length; index++) {
      const step = node.steps[index];
      if (step === undefined) break;
      try {
        value = takeStep(value, step);
      } catch (failure) {
        return this.#noAccess(failure, step, node, scope);
      }
    }
    return value;
  }

  #index(node: Extract<Expression, { kind: 'index' }>, scope: Scope): Value {
    const collection = this.value(node.collection, scope);
    const key = this.value(node.key, scope);
    try {
      return elementOf(collection, key);
    } catch (failure) {
      return this.#noAccess(failure, { start: node.open, end: node.end }, node, scope);
    }
  }

  #noAccess(failure: unknown, subject: Span, expression: Expression, scope: Scope): Value {
    if (!(failure instanceof AccessFailure)) throw failure;
    const { summary, message, hint } = failure;
    return this.report({
      summary,
      detail: message,
      ...(hint === undefined || scope.isHidden ? {} : { hint }),
      subject,
      context: expression,
      expression,
      scope,
    });
  }
}
