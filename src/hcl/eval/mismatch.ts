import { canConvert } from './conversion.ts';
import { quote } from './quote.ts';
import type { ObjectType, Type } from './types.ts';
import { elementType, friendlyConstraint, isCollection, sameType } from './types.ts';

/** What is wrong with a type where another is wanted, in Terraform's words: `attribute "port": number required`. */
export function mismatch(given: Type, wanted: Type): string {
  if (given.kind === 'object' && wanted.kind === 'object') return mismatchOfObjects(given, wanted);
  const structural = STRUCTURAL[wanted.kind];
  if (structural !== undefined && given.kind === structural && elementType(wanted).kind === 'dynamic') {
    return `all ${wanted.kind} elements must have the same type`;
  }
  if (isCollection(wanted)) {
    if (given.kind === structural) return mismatchOfParts(given, wanted);
    if (isCollection(given) && (given.kind === 'map') === (wanted.kind === 'map')) {
      return `incorrect ${wanted.kind} element type: ${mismatch(given.element, wanted.element)}`;
    }
  }
  return `${friendlyConstraint(wanted)} required`;
}

const STRUCTURAL: Partial<Record<Type['kind'], Type['kind']>> = {
  list: 'tuple',
  set: 'tuple',
  map: 'object',
};

function mismatchOfParts(given: Type, wanted: Type): string {
  const element = elementType(wanted);
  const parts: Iterable<readonly [string, Type]> =
    given.kind === 'tuple'
      ? given.elements.map((type, i) => [String(i), type] as const)
      : given.kind === 'object'
        ? [...given.attributes].map(([name, type]) => [quote(name), type] as const)
        : [];
  for (const [name, type] of parts) {
    if (sameType(type, element) || canConvert(type, element, true)) continue;
    return `element ${name}: ${mismatch(type, element)}`;
  }
  return `all elements must be ${friendlyConstraint(element)}`;
}

function mismatchOfObjects(given: ObjectType, wanted: ObjectType): string {
  const missing = [...wanted.attributes.keys()]
    .filter((name) => !given.attributes.has(name) && !wanted.optional.has(name))
    .map(quote);
  const last = missing.pop();
  if (last !== undefined) {
    if (missing.length === 0) return `attribute ${last} is required`;
    const comma = missing.length > 1 ? ',' : '';
    return `attributes ${missing.join(', ')}${comma} and ${last} are required`;
  }
  for (const lossy of [true, false]) {
    for (const [name, type] of wanted.attributes) {
      const actual = given.attributes.get(name);
      if (actual === undefined || sameType(actual, type) || canConvert(actual, type, lossy)) continue;
      return `attribute ${quote(name)}: ${mismatch(actual, type)}`;
    }
  }
  return 'incorrect object attributes';
}
