import type { Type } from './types.ts';
import {
  BOOL,
  DYNAMIC,
  isCollection,
  listType,
  mapType,
  NUMBER,
  objectType,
  STRING,
  setType,
  tupleType,
} from './types.ts';

const isIdentifier = (name: string): boolean => /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u.test(name);

/** The type as one would write it in a `variable` block, on one line: `list(object({a=string}))`. */
export function typeText(type: Type): string {
  if (type.kind === 'dynamic') return 'any';
  if (isCollection(type)) return `${type.kind}(${typeText(type.element)})`;
  if (type.kind === 'tuple') return `tuple([${type.elements.map(typeText).join(', ')}])`;
  if (type.kind === 'object') {
    const parts = [...type.attributes].map(([name, t]) => {
      const text = type.optional.has(name) ? `optional(${typeText(t)})` : typeText(t);
      return `${isIdentifier(name) ? name : JSON.stringify(name)} = ${text}`;
    });
    return parts.length === 0 ? 'object({})' : `object({ ${parts.join(', ')} })`;
  }
  return type.kind;
}

/** The type as `type()` prints it in `terraform console`: each part on a line, four spaces for each level. */
export function typeBlock(type: Type, depth = 0): string {
  if (isCollection(type)) {
    const isNested = type.element.kind === 'tuple' || type.element.kind === 'object';
    if (isNested) return block(`${type.kind}(`, [['', type.element]], ')', depth);
    return `${type.kind}(${typeBlock(type.element, depth)})`;
  }
  if (type.kind === 'tuple') {
    return block(
      'tuple([',
      type.elements.map((t) => ['', t] as const),
      '])',
      depth,
    );
  }
  if (type.kind === 'object') {
    return block(
      'object({',
      [...type.attributes].map(([name, t]) => [`${name}: `, t] as const),
      '})',
      depth,
    );
  }
  return type.kind;
}

function block(
  open: string,
  parts: readonly (readonly [string, Type])[],
  close: string,
  depth: number,
): string {
  if (parts.length === 0) return open + close;
  const margin = '    '.repeat(depth + 1);
  const lines = parts.map(([prefix, t]) => `${margin}${prefix}${typeBlock(t, depth + 1)},\n`);
  return `${open}\n${lines.join('')}${'    '.repeat(depth)}${close}`;
}

/** A type as JSON, in the form Terraform's plan files use: `"string"`, `["list", "string"]`, `["object", {...}]`. */
export type TypeJson =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', TypeJson]
  | readonly ['tuple', readonly TypeJson[]]
  | readonly ['object', { readonly [name: string]: TypeJson }];

export function typeToJson(type: Type): TypeJson {
  switch (type.kind) {
    case 'list':
    case 'set':
    case 'map':
      return [type.kind, typeToJson(type.element)];
    case 'tuple':
      return ['tuple', type.elements.map(typeToJson)];
    case 'object':
      return ['object', Object.fromEntries([...type.attributes].map(([name, t]) => [name, typeToJson(t)]))];
    default:
      return type.kind;
  }
}

/** The reverse of `typeToJson`; undefined when the JSON is not a type. */
export function typeFromJson(json: unknown): Type | undefined {
  switch (json) {
    case 'string':
      return STRING;
    case 'number':
      return NUMBER;
    case 'bool':
      return BOOL;
    case 'dynamic':
      return DYNAMIC;
  }
  if (!Array.isArray(json) || json.length !== 2) return undefined;
  const [kind, of] = json as [unknown, unknown];
  if (kind === 'list' || kind === 'set' || kind === 'map') {
    const element = typeFromJson(of);
    if (element === undefined) return undefined;
    return kind === 'list' ? listType(element) : kind === 'set' ? setType(element) : mapType(element);
  }
  if (kind === 'tuple' && Array.isArray(of)) {
    const elements = of.map(typeFromJson);
    return elements.every((t) => t !== undefined) ? tupleType(elements) : undefined;
  }
  if (kind === 'object' && typeof of === 'object' && of !== null && !Array.isArray(of)) {
    const attributes = new Map<string, Type>();
    for (const [name, t] of Object.entries(of)) {
      const type = typeFromJson(t);
      if (type === undefined) return undefined;
      attributes.set(name, type);
    }
    return objectType(attributes);
  }
  return undefined;
}
