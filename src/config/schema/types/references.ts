/** Blocks that are referred to as a whole, hosts among them; and expressions that are not evaluated. */
import { isWhollyKnown, MappingValue, SequenceValue, type Value } from '../../../hcl/eval/values.ts';
import type { Expression } from '../../../hcl/syntax/ast.ts';
import { isRefusal, type Refusal, within } from '../../quantities.ts';
import type { ArgumentType } from '../shape.ts';
import { mismatch, type } from './reading.ts';

/** The attribute of a block's object that says which block it is: the text by which it is referred to. */
export const REFERENCE = 'reference';

/** A whole object of a block, such as `release.shop`, as its address. */
export const objectOfBlock = (blockType: string, example: string): ArgumentType<string> =>
  type(
    blockType,
    `a ${blockType}, such as ${example}`,
    (value) => {
      const reference = value instanceof MappingValue ? value.entries.get(REFERENCE) : undefined;
      if (reference?.kind === 'string') {
        const given = typeOfReference(reference.text);
        if (given === blockType) return reference.text;
        return { refused: `${reference.text} is a ${given}.` };
      }
      if (value.kind === 'string') {
        const meant = /^[A-Za-z_][\w-]*$/.test(value.text) ? `${blockType}.${value.text}` : example;
        return { ...mismatch(value), hint: `Refer to the block itself, without quotes: ${meant}` };
      }
      return mismatch(value);
    },
    { example, isKnown: (value) => isWhollyKnown(value) || isText(value, REFERENCE) },
  );

const isText = (value: Value, attribute: string): boolean =>
  value instanceof MappingValue && value.entries.get(attribute)?.kind === 'string';

const isHostKnown = (value: Value): boolean => isWhollyKnown(value) || isText(value, 'name');

/** `release` for `module.web["a"].release.shop`. */
function typeOfReference(text: string): string {
  const inModules = /^(?:module\.[\w-]+(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?\.)*/;
  const own = text.startsWith('module.') ? text.replace(inModules, '') : text;
  return own.slice(0, own.indexOf('.'));
}

/** The name of a host, given as its name or as the host itself. */
export const host = type(
  'host',
  'a host or the name of a host',
  (value): string | Refusal => {
    if (value.kind === 'string') return value.text === '' ? { refused: 'It is empty.' } : value.text;
    if (!(value instanceof MappingValue)) return mismatch(value);
    const name = value.entries.get('name');
    if (name?.kind === 'string') return name.text;
    const first = value.entries.values().next().value;
    if (first instanceof MappingValue && first.entries.has('name')) {
      return {
        ...mismatch(value),
        hint: 'This is a group of hosts made by for_each. Name one of them by its key, or take all with values(...).',
      };
    }
    return mismatch(value);
  },
  { example: 'host.lb-1', isKnown: isHostKnown },
);

/** Names of hosts from a list of names and hosts; a whole group (`host.web`) counts as its members. */
export const hosts = type(
  'list of hosts',
  'a list of hosts or of their names',
  (value): readonly string[] | Refusal => {
    const names: string[] = [];
    const take = (item: Value): Refusal | undefined => {
      if (isGroup(item)) {
        for (const member of membersOf(item)) {
          const refusal = take(member);
          if (refusal !== undefined) return refusal;
        }
        return undefined;
      }
      const name = host.decode(item);
      if (isRefusal(name)) return name;
      names.push(name);
      return undefined;
    };
    if (!(value instanceof SequenceValue) && !isGroup(value)) {
      const single = host.decode(value);
      return isRefusal(single)
        ? mismatch(value)
        : { ...mismatch(value), hint: 'Put it in brackets: one host is a list of one.' };
    }
    if (isGroup(value) && value instanceof MappingValue) return take(value) ?? names;
    for (const [index, item] of (value as SequenceValue).elements.entries()) {
      const refusal = item.kind === 'null' ? mismatch(item) : take(item);
      if (refusal !== undefined) return within(refusal, index);
    }
    return names;
  },
  {
    example: '[host.lb-1, "web-1"]',
    isKnown: (value) => {
      if (isWhollyKnown(value)) return true;
      const areKnown = (each: Value): boolean =>
        isHostKnown(each) || (isGroup(each) && membersOf(each).every(areKnown));
      return isGroup(value) && membersOf(value).every(areKnown);
    },
  },
);

const membersOf = (group: SequenceValue | MappingValue): readonly Value[] =>
  group instanceof SequenceValue ? group.elements : [...group.entries.values()];

/** Hosts made by `count` or `for_each`, taken as a whole. */
function isGroup(value: Value): value is SequenceValue | MappingValue {
  if (value instanceof SequenceValue) return true;
  if (!(value instanceof MappingValue) || value.entries.has('name')) return false;
  return value.entries
    .values()
    .every((member) => member instanceof MappingValue && member.entries.has('name'));
}

// ── not evaluated ──────────────────────────────────────────────────────────────────────────────────

/** An expression that the block's reader evaluates itself. */
export const raw = (name: string, wants: string): ArgumentType<Expression> => ({
  name,
  wants,
  evaluation: 'raw',
  decode: () => {
    throw new Error(`${name} is not evaluated here`);
  },
});

/** An expression that is never evaluated: a type, an address. */
export const written = (name: string, wants: string): ArgumentType<Expression> => ({
  ...raw(name, wants),
  evaluation: 'static',
});

/** The value as it is, of any type. */
export const anything = type('any', 'any value', (value): Value => value);
