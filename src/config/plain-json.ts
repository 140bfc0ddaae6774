import { toDouble } from '../hcl/eval/numbers.ts';
import { MappingValue, SequenceValue, type Value } from '../hcl/eval/values.ts';
import type { Json } from '../model/index.ts';

/** A wholly known value as JSON. Marks are dropped: ask before. Numbers become doubles. */
export function plainJson(value: Value): Json {
  if (value instanceof SequenceValue) return value.elements.map(plainJson);
  if (value instanceof MappingValue) {
    return Object.fromEntries([...value.entries].map(([key, part]) => [key, plainJson(part)]));
  }
  switch (value.kind) {
    case 'string':
      return value.text;
    case 'number':
      return toDouble(value.number);
    case 'bool':
      return value.isTrue;
    default:
      return null;
  }
}
