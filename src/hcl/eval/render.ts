import { checkLength } from './limits.ts';
import { numberText } from './number-text.ts';
import { quote } from './quote.ts';
import { elementType, friendlyName, type Type } from './types.ts';
import type { Value } from './values.ts';
import { MappingValue, type SequenceValue } from './values.ts';

export const SENSITIVE_TEXT = '(sensitive value)';
export const UNKNOWN_TEXT = '(known after apply)';

/**
 * A value as `terraform console` prints it: in the language's own syntax, with conversion functions where the type
 * would not be seen otherwise, texts of several lines as heredocs. What is marked or unknown is only said to be.
 * `indent` is that of the line it begins in.
 */
export function renderValue(value: Value, indent = 0): string {
  if (value.marks.size > 0) return SENSITIVE_TEXT;
  switch (value.kind) {
    case 'unknown':
      return UNKNOWN_TEXT;
    case 'null':
      return renderNull(value.type);
    case 'string':
      return value.text.includes('\n') ? renderHeredoc(value.text, indent) : quote(value.text);
    case 'number':
      return numberText(value.number);
    case 'bool':
      return String(value.isTrue);
  }
  const isBare = value.kind === 'tuple' || value.kind === 'object';
  const inner = value instanceof MappingValue ? renderEntries(value, indent) : renderElements(value, indent);
  return isBare ? inner : `to${value.kind}(${inner})`;
}

function renderNull(type: Type): string {
  switch (type.kind) {
    case 'dynamic':
      return 'null';
    case 'string':
    case 'number':
    case 'bool':
      return `to${type.kind}(null)`;
    case 'list':
    case 'set':
    case 'map':
      return `to${type.kind}(null) /* of ${friendlyName(elementType(type))} */`;
    default:
      return `null /* ${type.kind} */`;
  }
}

/** Ends with the first of EOT, EOT_, EOT__ and so on that is not a line of the text. */
function renderHeredoc(text: string, indent: number): string {
  const lines = text.split('\n');
  const trimmed = new Set(lines.map((line) => line.trim()));
  let delimiter = 'EOT';
  while (trimmed.has(delimiter)) delimiter += '_';
  const margin = ' '.repeat(indent);
  return [
    `${indent > 0 ? '<<-' : '<<'}${delimiter}`,
    ...lines.map((line) => margin + line),
    margin + delimiter,
  ].join('\n');
}

function renderElements(value: SequenceValue, indent: number): string {
  const margin = ' '.repeat(indent + 2);
  return wrap(
    '[',
    value.elements.values().map((element) => `${margin}${renderValue(element, indent + 2)},`),
    ']',
    indent,
  );
}

function renderEntries(value: MappingValue, indent: number): string {
  const margin = ' '.repeat(indent + 2);
  return wrap(
    '{',
    value.entries.entries().map(([key, part]) => {
      const name = key.includes('\n') ? renderHeredoc(key, indent + 2) : quote(key);
      return `${margin}${name} = ${renderValue(part, indent + 2)}`;
    }),
    '}',
    indent,
  );
}

function wrap(open: string, lines: Iterable<string>, close: string, indent: number): string {
  let text = open;
  for (const line of lines) {
    checkLength(text.length + line.length);
    text += `\n${line}`;
  }
  return text === open ? open + close : `${text}\n${' '.repeat(indent)}${close}`;
}
