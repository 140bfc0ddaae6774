/** What a variable's own block says of its values: its `validation` blocks, and whether its name can be given at all. */
import { references } from '../hcl/eval/references.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import { holds } from './assertion.ts';
import type { Decoded } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import { type BlockItem, nameSpan } from './items.ts';
import { type Place, placeOf } from './problems.ts';
import type { variableShape } from './schema/language.ts';

type VariableDecoded = Decoded<typeof variableShape>;

export const position = (place: Place): string => {
  const { file, start } = place.source.rangeOf(place.span);
  return `${file}:${start.line},${start.column}`;
};

/** What a module block keeps for itself: a module could never be given a variable of that name. */
const keptByModules: ReadonlySet<string> = new Set(['source', 'count', 'for_each', 'depends_on']);

/** What can be told without a value. */
export function checkVariable(item: BlockItem, decoded: VariableDecoded, report: Reporter): void {
  const { name, source } = item;
  if (keptByModules.has(name)) {
    report.error(placeOf(source, nameSpan(item)), {
      code: 'reserved-name',
      summary: 'Invalid variable name',
      detail: `The variable name "${name}" is reserved due to its special meaning inside module blocks.`,
    });
  }
  for (const rule of decoded.blocks.validation) {
    if (refersTo(rule.args.condition, name)) continue;
    report.error(rule.at('condition'), {
      code: 'invalid-validation-condition',
      summary: 'Invalid variable validation condition',
      detail: `The condition for variable "${name}" must refer to var.${name} in order to test incoming values.`,
    });
  }
}

const refersTo = (condition: Expression, name: string): boolean =>
  references(condition).some(({ root, steps: [first] }) => {
    if (root !== 'var' || first === undefined) return false;
    if (first.kind === 'attributeStep') return first.name === name;
    return first.key.kind === 'string' && first.key.value === name;
  });

/** Whether the value keeps every rule; each that it breaks is reported. */
export function keepsRules(decoded: VariableDecoded, scope: Scope, report: Reporter): boolean {
  const broken = decoded.blocks.validation.filter((rule) => {
    const checkedBy = position(rule.at('condition'));
    return !holds(
      { condition: rule.args.condition, message: rule.args.error_message, scope },
      {
        code: 'variable-validation',
        summary: 'Invalid value for variable',
        severity: 'error',
        detail: (message) => `${message}\n\nThis was checked by the validation rule at ${checkedBy}.`,
      },
      report,
    );
  });
  return broken.length === 0;
}
