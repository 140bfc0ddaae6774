import { parseTemplate } from '../syntax/parser.ts';
import type { Evaluator } from './evaluator.ts';
import { discreet, FunctionFailure } from './functions/definition.ts';
import { positionText, rangeText } from './position-text.ts';
import { quote } from './quote.ts';
import { references } from './references.ts';
import { rootsOf, Scope } from './scope.ts';
import { MappingValue, type Value } from './values.ts';

/** As deep as Terraform lets templates render each other. Ours is lower: each level takes stack. */
const MAX_TEMPLATE_DEPTH = 64;

const isIdentifier = (name: string): boolean => /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u.test(name);

/** The argument of `templatefile` and `templatestring` that has the variables. */
const VARIABLES = 1;

/**
 * What `templatefile` and `templatestring` do: evaluates a template with nothing but these variables and the
 * functions. Throws FunctionFailure with Terraform's words.
 */
export function renderTemplate(
  evaluator: Evaluator,
  template: { readonly name: string; readonly text: string },
  variables: Value,
  scope: Scope,
): Value {
  if (evaluator.templateDepth >= MAX_TEMPLATE_DEPTH) {
    throw discreet(`maximum recursion depth ${MAX_TEMPLATE_DEPTH} reached in ${template.name}`);
  }
  const { expression, source, diagnostics } = parseTemplate(template.text, template.name);
  const [first] = diagnostics;
  if (first !== undefined) {
    const at = first.subject === undefined ? template.name : rangeText(first.subject);
    throw new FunctionFailure(allOf(`${at}: ${first.summary}; ${first.detail}`, diagnostics.length));
  }
  if (variables.type.kind !== 'map' && variables.type.kind !== 'object') {
    throw new FunctionFailure('invalid vars value: must be a map', VARIABLES);
  }
  const known = variables instanceof MappingValue ? variables.entries : new Map<string, Value>();
  for (const name of known.keys()) {
    if (!isIdentifier(name)) {
      throw new FunctionFailure(
        `invalid template variable name ${quote(name)}: must start with a letter, followed by zero or more letters, digits, and underscores`,
        VARIABLES,
      );
    }
  }
  for (const reference of references(expression)) {
    if (known.has(reference.root)) continue;
    const at = positionText(source, { start: reference.start, end: reference.rootEnd });
    throw new FunctionFailure(
      `vars map does not contain key ${quote(reference.root)}, referenced at ${at}`,
      VARIABLES,
    );
  }
  const inner = evaluator.nested();
  const { functions, ports, budget } = scope;
  const value = inner.value(
    expression,
    new Scope({ source, functions, ports, budget, roots: rootsOf(known) }),
  );
  const [problem] = inner.problems;
  if (problem === undefined) return value;
  const at = positionText(problem.scope.source, problem.subject);
  throw new FunctionFailure(allOf(`${at}: ${problem.summary}; ${problem.detail}`, inner.problems.length));
}

const allOf = (text: string, count: number): string =>
  count > 1 ? `${text}, and ${count - 1} other diagnostic(s)` : text;
