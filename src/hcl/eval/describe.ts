import { formatMagnitude } from './number-text.ts';
import { sign } from './numbers.ts';
import { quote } from './quote.ts';
import { friendlyName } from './types.ts';
import type { Value } from './values.ts';
import { MappingValue, marksWithin, SequenceValue } from './values.ts';

const LONGEST = 120;

/**
 * A value in few words, to stand after its name in an error: `is "a"`, `is object with 2 attributes`. Undefined when
 * it is not known. Of a marked value only that: `has a sensitive value`.
 */
export function describeValue(value: Value): string | undefined {
  if (value.marks.size > 0) return 'has a sensitive value';
  switch (value.kind) {
    case 'unknown':
      return undefined;
    case 'null':
      return 'is null';
    case 'bool':
      return `is ${value.isTrue}`;
    case 'number':
      return `is ${sign(value.number) < 0 ? '-' : ''}${formatMagnitude(value.number, 'g', 10)}`;
    case 'string': {
      const shown = value.text.length > LONGEST ? `${value.text.slice(0, LONGEST)}...` : value.text;
      return `is ${quote(shown)}`;
    }
  }
  if (value instanceof SequenceValue && value.kind === 'tuple') {
    const { length } = value.elements;
    return length === 0 ? 'is empty tuple' : `is tuple with ${counted(length, 'element')}`;
  }
  if (value instanceof MappingValue && value.kind === 'object') {
    const [first, ...others] = value.entries.keys();
    if (first === undefined) return 'is object with no attributes';
    // The name of an attribute may have been computed from a marked value only if the object is marked, too.
    if (others.length === 0 && marksWithin(value).size === 0)
      return `is object with 1 attribute ${quote(first)}`;
    return `is object with ${counted(others.length + 1, 'attribute')}`;
  }
  const length = value instanceof MappingValue ? value.entries.size : value.elements.length;
  const name = friendlyName(value.type);
  return length === 0 ? `is empty ${name}` : `is ${name} with ${counted(length, 'element')}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
