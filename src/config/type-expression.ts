/** Types as `variable` blocks write them: `list(object({ name = string, port = optional(number, 80) }))`. */
import { ConversionFailure, convert } from '../hcl/eval/conversion.ts';
import { didYouMean } from '../hcl/eval/suggestion.ts';
import {
  BOOL,
  DYNAMIC,
  listType,
  mapType,
  NUMBER,
  objectType,
  STRING,
  setType,
  type Type,
  tupleType,
} from '../hcl/eval/types.ts';
import { MappingValue, object, SequenceValue, type Value, withMarks } from '../hcl/eval/values.ts';
import type { Call, Expression, ObjectExpression } from '../hcl/syntax/ast.ts';
import type { SourceText } from '../hcl/syntax/source.ts';
import type { Reporter } from './evaluation.ts';
import { placeOf } from './problems.ts';

/**
 * Values for optional attributes that are left out, by their place in the type: `attributes` at this object,
 * `children` below it, with `*` for the elements of a collection and the index for those of a tuple.
 */
export interface TypeDefaults {
  readonly attributes: ReadonlyMap<string, Value>;
  readonly children: ReadonlyMap<string, TypeDefaults>;
}

export interface TypeConstraint {
  readonly type: Type;
  readonly defaults: TypeDefaults | undefined;
}

export const anyType: TypeConstraint = { type: DYNAMIC, defaults: undefined };

const primitives: ReadonlyMap<string, Type> = new Map([
  ['string', STRING],
  ['number', NUMBER],
  ['bool', BOOL],
  ['any', DYNAMIC],
]);

const constructors = ['list', 'set', 'map', 'object', 'tuple'];

const otherNames: ReadonlyMap<string, string> = new Map([
  ['str', 'string'],
  ['text', 'string'],
  ['int', 'number'],
  ['integer', 'number'],
  ['float', 'number'],
  ['boolean', 'bool'],
  ['array', 'list(...)'],
  ['dict', 'map(...)'],
  ['hash', 'map(...)'],
]);

const SUMMARY = 'Invalid type specification';

class Reader {
  readonly #source: SourceText;
  readonly #report: Reporter;

  constructor(source: SourceText, report: Reporter) {
    this.#source = source;
    this.#report = report;
  }

  refuse(node: Expression, detail: string, hint?: string): undefined {
    this.#report.error(placeOf(this.#source, node), {
      code: 'invalid-type',
      summary: SUMMARY,
      detail,
      hint,
    });
    return undefined;
  }

  read(node: Expression): TypeConstraint | undefined {
    // Terraform 0.11 wrote types in quotes, and people still do.
    if (node.kind === 'string' && primitives.has(node.value))
      return { type: primitives.get(node.value) ?? DYNAMIC, defaults: undefined };
    if (node.kind === 'traversal' && node.steps.length === 0) return this.#keyword(node, node.root);
    if (node.kind === 'call') return this.#call(node);
    if (node.kind === 'parentheses') return this.read(node.inner);
    return this.refuse(
      node,
      'A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).',
    );
  }

  #keyword(node: Expression, word: string): TypeConstraint | undefined {
    const type = primitives.get(word);
    if (type !== undefined) return { type, defaults: undefined };
    if (constructors.includes(word)) {
      const example =
        word === 'object'
          ? 'object({ name = string })'
          : word === 'tuple'
            ? 'tuple([string, number])'
            : `${word}(string)`;
      return this.refuse(
        node,
        `The ${word} type constructor requires one argument.`,
        `For example: ${example}`,
      );
    }
    const other = otherNames.get(word);
    const meant =
      other === undefined
        ? didYouMean(word, [...primitives.keys(), ...constructors])
        : `Did you mean "${other}"?`;
    return this.refuse(
      node,
      `The keyword "${word}" is not a valid type specification.${meant === undefined ? '' : ` ${meant}`}`,
    );
  }

  #call(node: Call): TypeConstraint | undefined {
    const { name, args } = node;
    if (name === 'optional') {
      return this.refuse(node, 'Keyword "optional" is valid only as a modifier for object type attributes.');
    }
    if (!constructors.includes(name)) {
      const meant = didYouMean(name, constructors);
      return this.refuse(
        node,
        `Keyword "${name}" is not a valid type constructor.${meant === undefined ? '' : ` ${meant}`}`,
      );
    }
    const [argument] = args;
    if (argument === undefined || args.length !== 1) {
      return this.refuse(
        node,
        `The ${name} type constructor requires one argument${name === 'object' ? ' specifying the attribute types as a map' : name === 'tuple' ? ' specifying the element types as a list' : ' specifying the element type'}.`,
      );
    }
    if (name === 'object') return this.#object(argument);
    if (name === 'tuple') return this.#tuple(argument);
    const element = this.read(argument);
    if (element === undefined) return undefined;
    const make = name === 'list' ? listType : name === 'set' ? setType : mapType;
    return { type: make(element.type), defaults: below([['*', element.defaults]]) };
  }

  #tuple(argument: Expression): TypeConstraint | undefined {
    if (argument.kind !== 'tuple') {
      return this.refuse(
        argument,
        'Tuple type constructor requires a list of element types.',
        'For example: tuple([string, number])',
      );
    }
    const elements = argument.items.map((item) => this.read(item));
    if (!elements.every((element) => element !== undefined)) return undefined;
    return {
      type: tupleType(elements.map((element) => element.type)),
      defaults: below(elements.map((element, index) => [String(index), element.defaults])),
    };
  }

  #object(argument: Expression): TypeConstraint | undefined {
    if (argument.kind !== 'object') {
      return this.refuse(
        argument,
        'Object type constructor requires a map whose keys are attribute names and whose values are the corresponding attribute types.',
        'For example: object({ name = string, port = number })',
      );
    }
    return this.#attributes(argument);
  }

  #attributes(argument: ObjectExpression): TypeConstraint | undefined {
    const types = new Map<string, Type>();
    const optional = new Set<string>();
    const values = new Map<string, Value>();
    const children: [string, TypeDefaults | undefined][] = [];
    let sound = true;
    for (const { key, bareKey, value } of argument.items) {
      const name = bareKey ?? (key.kind === 'string' ? key.value : undefined);
      if (name === undefined) {
        this.refuse(key, 'Object constructor map keys must be attribute names.');
        sound = false;
        continue;
      }
      const modifier = value.kind === 'call' && value.name === 'optional' ? value : undefined;
      const [inner, fallback, extra] = modifier?.args ?? [value];
      if (inner === undefined || extra !== undefined) {
        this.refuse(
          value,
          'The optional modifier takes a type, and then a default if there is one.',
          'For example: optional(number, 80)',
        );
        sound = false;
        continue;
      }
      const read = this.read(inner);
      if (read === undefined) {
        sound = false;
        continue;
      }
      types.set(name, read.type);
      children.push([name, read.defaults]);
      if (modifier === undefined) continue;
      optional.add(name);
      const value_ = fallback === undefined ? undefined : this.#fallback(fallback, read);
      if (value_ !== undefined) values.set(name, value_);
    }
    if (!sound) return undefined;
    return { type: objectType(types, optional), defaults: below(children, values) };
  }

  #fallback(expression: Expression, constraint: TypeConstraint): Value | undefined {
    const value = this.#report.evaluateLiteral(
      expression,
      this.#source,
      'a default is read before anything is evaluated.',
    );
    if (value === undefined) return undefined;
    try {
      return convert(applyDefaults(value, constraint.defaults), constraint.type);
    } catch (failure) {
      if (!(failure instanceof ConversionFailure)) throw failure;
      this.#report.error(placeOf(this.#source, expression), {
        code: 'invalid-optional-default',
        summary: 'Invalid default value for optional attribute',
        detail: `This default value is not compatible with the attribute's type constraint: ${failure.message}.`,
      });
      return undefined;
    }
  }
}

function below(
  children: readonly (readonly [string, TypeDefaults | undefined])[],
  attributes: ReadonlyMap<string, Value> = new Map(),
): TypeDefaults | undefined {
  const known = new Map<string, TypeDefaults>();
  for (const [name, defaults] of children) if (defaults !== undefined) known.set(name, defaults);
  return known.size === 0 && attributes.size === 0 ? undefined : { attributes, children: known };
}

/** Undefined when it is not a type, which is reported. */
export const readType = (
  expression: Expression,
  source: SourceText,
  report: Reporter,
): TypeConstraint | undefined => new Reader(source, report).read(expression);

/** The value with defaults in the place of attributes that are missing or null. Anything else is left as it is. */
export function applyDefaults(value: Value, defaults: TypeDefaults | undefined): Value {
  if (defaults === undefined) return value;
  if (value instanceof SequenceValue) {
    const elements = value.elements.map((element, index) =>
      applyDefaults(element, defaults.children.get('*') ?? defaults.children.get(String(index))),
    );
    // Elements may now differ in type, as those of a tuple may; the conversion that follows makes them equal again.
    return withMarks(new SequenceValue('tuple', elements, undefined), value.marks);
  }
  if (!(value instanceof MappingValue)) return value;
  const entries = new Map<string, Value>();
  for (const [key, element] of value.entries) {
    entries.set(key, applyDefaults(element, defaults.children.get('*') ?? defaults.children.get(key)));
  }
  for (const [name, fallback] of defaults.attributes) {
    const given = entries.get(name);
    if (given === undefined || given.kind === 'null') entries.set(name, fallback);
  }
  return withMarks(object(entries), value.marks);
}
