import type { Diagnostic } from '../../model/diagnostic.ts';
import type { Call, Expression, ObjectItem } from '../syntax/ast.ts';
import type { SourceText } from '../syntax/source.ts';
import { ConversionFailure, convert } from './conversion.ts';
import type { Defaults } from './defaults.ts';
import { applyDefaults, collectionDefaults, structuralDefaults } from './defaults.ts';
import { evaluate } from './evaluate.ts';
import { codeOf, type Span } from './problem.ts';
import { Scope } from './scope.ts';
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
} from './types.ts';
import type { Value } from './values.ts';

/** What a `variable` block says of its value: a type, and what stands for optional attributes that are left out. */
export interface TypeConstraint {
  readonly type: Type;
  readonly defaults: Defaults | undefined;
}

export const ANY: TypeConstraint = { type: DYNAMIC, defaults: undefined };

/**
 * Reads a type expression: `string`, `list(object({ a = string, b = optional(number, 3) }))`, `any`. Where it is
 * wrong the type is open and the reason is in `diagnostics`, in Terraform's words.
 */
export function parseTypeConstraint(
  expression: Expression,
  source: SourceText,
): { readonly constraint: TypeConstraint; readonly diagnostics: readonly Diagnostic[] } {
  const reader = new TypeReader(source);
  return { constraint: reader.read(expression, true), diagnostics: reader.diagnostics };
}

/**
 * The value as the constraint wants it: defaults filled in, then converted.
 *
 * @throws ConversionFailure with the path of the part that does not fit.
 */
export function applyConstraint(value: Value, { type, defaults }: TypeConstraint): Value {
  return convert(defaults === undefined ? value : applyDefaults(value, defaults), type);
}

const SUMMARY = 'Invalid type specification';
const NEITHER =
  'A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).';
/** Types that were once written in quotes, and what to write instead. */
const LEGACY: Readonly<Record<string, string>> = {
  string: 'Write string without the quotes.',
  list: 'Write list(string) without quotes.',
  map: 'Write map(string) without quotes.',
};
const PRIMITIVES: Readonly<Record<string, Type>> = { string: STRING, number: NUMBER, bool: BOOL };
const COLLECTIONS = { list: listType, set: setType, map: mapType } as const;
type CollectionName = keyof typeof COLLECTIONS;
const isCollectionName = (name: string): name is CollectionName => Object.hasOwn(COLLECTIONS, name);

class TypeReader {
  readonly diagnostics: Diagnostic[] = [];
  readonly #source: SourceText;

  constructor(source: SourceText) {
    this.#source = source;
  }

  read(node: Expression, isOutermost = false): TypeConstraint {
    if (node.kind === 'traversal' && node.steps.length === 0) return this.#word(node.root, node, isOutermost);
    if (node.kind === 'call') return this.#constructed(node);
    if (node.kind === 'string' && isOutermost) return this.#quoted(node.value, node);
    return this.#refuse(NEITHER, node);
  }

  #word(word: string, node: Span, isOutermost: boolean): TypeConstraint {
    const primitive = Object.hasOwn(PRIMITIVES, word) ? PRIMITIVES[word] : undefined;
    if (primitive !== undefined) return { type: primitive, defaults: undefined };
    if (word === 'any') return ANY;
    // From the time before type arguments, and still understood where it stands alone.
    if (isOutermost && word === 'list') return { type: listType(DYNAMIC), defaults: undefined };
    if (isOutermost && word === 'map') return { type: mapType(DYNAMIC), defaults: undefined };
    return this.#refuse(wants(word) ?? `The keyword "${word}" is not a valid type specification.`, node);
  }

  #quoted(word: string, node: Span): TypeConstraint {
    const advice = LEGACY[word];
    if (advice === undefined) {
      const detail =
        'To provide a full type expression, remove the surrounding quotes and give the type expression directly.';
      this.#report('Invalid legacy variable type hint', detail, node);
      return ANY;
    }
    const detail =
      'Terraform 0.11 and earlier required type constraints to be given in quotes, but that form is no longer understood.';
    this.#report('Invalid quoted type constraints', detail, node, advice);
    return ANY;
  }

  #constructed(node: Call): TypeConstraint {
    const { name } = node;
    const args: Span = { start: node.nameEnd, end: node.end };
    if (Object.hasOwn(PRIMITIVES, name)) {
      return this.#refuse(`Primitive type keyword "${name}" does not expect arguments.`, args);
    }
    if (name === 'any') return this.#refuse('Type constraint keyword "any" does not expect arguments.', args);
    if (name === 'optional') {
      const word: Span = { start: node.start, end: node.nameEnd };
      return this.#refuse('Keyword "optional" is valid only as a modifier for object type attributes.', word);
    }
    const wanted = wants(name);
    if (wanted === undefined) return this.#refuse(`Keyword "${name}" is not a valid type constructor.`, node);
    const [argument, second] = node.args;
    if (argument === undefined || second !== undefined) {
      const last = node.args.at(-1);
      const subject =
        second === undefined || last === undefined ? args : { start: second.start, end: last.end };
      return this.#refuse(wanted, subject);
    }
    if (name === 'object') return this.#object(argument);
    if (name === 'tuple') return this.#tuple(argument);
    const element = this.read(argument);
    const make = isCollectionName(name) ? COLLECTIONS[name] : listType;
    return { type: make(element.type), defaults: collectionDefaults(element.defaults) };
  }

  #object(argument: Expression): TypeConstraint {
    if (argument.kind !== 'object') {
      return this.#refuse(
        'Object type constructor requires a map whose keys are attribute names and whose values are the corresponding attribute types.',
        argument,
      );
    }
    const types = new Map<string, Type>();
    const optional = new Set<string>();
    const values = new Map<string, Value>();
    const children = new Map<string, Defaults>();
    for (const item of argument.items) {
      const name = item.bareKey;
      if (name === undefined) {
        this.#refuse('Object constructor map keys must be attribute names.', item.key);
        continue;
      }
      if (types.has(name)) {
        this.#refuse('Object constructor map keys must be unique.', item.key);
        continue;
      }
      const attribute = this.#attribute(item);
      if (attribute === undefined) continue;
      types.set(name, attribute.type);
      if (attribute.isOptional) optional.add(name);
      if (attribute.value !== undefined) values.set(name, attribute.value);
      if (attribute.defaults !== undefined) children.set(name, attribute.defaults);
    }
    return { type: objectType(types, optional), defaults: structuralDefaults(values, children) };
  }

  /** `string`, `optional(string)` or `optional(string, "x")`. */
  #attribute(item: ObjectItem): (TypeConstraint & { isOptional: boolean; value?: Value }) | undefined {
    const node = item.value;
    if (node.kind !== 'call' || node.name !== 'optional') return { ...this.read(node), isOptional: false };
    const [type, fallback, surplus] = node.args;
    const args: Span = { start: node.nameEnd, end: node.end };
    if (type === undefined) {
      this.#refuse('Optional attribute modifier requires the attribute type as its argument.', args);
      return undefined;
    }
    if (surplus !== undefined) {
      this.#refuse(
        'Optional attribute modifier expects at most two arguments: the attribute type, and a default value.',
        args,
      );
    }
    const constraint = this.read(type);
    if (fallback === undefined || surplus !== undefined)
      return { ...constraint, isOptional: surplus === undefined };
    const value = this.#default(fallback, constraint.type);
    return { ...constraint, isOptional: true, ...(value === undefined ? {} : { value }) };
  }

  /** A default can use neither names nor functions. */
  #default(node: Expression, type: Type): Value | undefined {
    const scope = new Scope({ source: this.#source, functions: new Map() });
    const { value, diagnostics } = evaluate(node, scope);
    this.diagnostics.push(...diagnostics);
    if (diagnostics.length > 0) return undefined;
    try {
      return convert(value, type);
    } catch (failure) {
      if (!(failure instanceof ConversionFailure)) throw failure;
      const summary = 'Invalid default value for optional attribute';
      this.#report(
        summary,
        `This default value is not compatible with the attribute's type constraint: ${failure.message}.`,
        node,
      );
      return undefined;
    }
  }

  #tuple(argument: Expression): TypeConstraint {
    if (argument.kind !== 'tuple') {
      return this.#refuse('Tuple type constructor requires a list of element types.', argument);
    }
    const elements = argument.items.map((item) => this.read(item));
    const children = new Map<string, Defaults>();
    for (const [i, { defaults }] of elements.entries()) {
      if (defaults !== undefined) children.set(String(i), defaults);
    }
    return {
      type: tupleType(elements.map(({ type }) => type)),
      defaults: structuralDefaults(new Map(), children),
    };
  }

  #refuse(detail: string, subject: Span, hint?: string): TypeConstraint {
    this.#report(SUMMARY, detail, subject, hint);
    return ANY;
  }

  #report(summary: string, detail: string, subject: Span, hint?: string): void {
    this.diagnostics.push({
      code: codeOf(summary),
      severity: 'error',
      summary,
      detail,
      ...(hint === undefined ? {} : { hint }),
      subject: this.#source.rangeOf(subject),
    });
  }
}

/** What a constructor without its one argument lacks; undefined when it is no constructor. */
function wants(name: string): string | undefined {
  if (isCollectionName(name)) {
    return `The ${name} type constructor requires one argument specifying the element type.`;
  }
  if (name === 'object') {
    return 'The object type constructor requires one argument specifying the attribute types and values as a map.';
  }
  if (name === 'tuple') {
    return 'The tuple type constructor requires one argument specifying the element types as a list.';
  }
  return undefined;
}
