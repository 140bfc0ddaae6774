import { numberText } from './number-text.ts';
import { quote } from './quote.ts';
import type { Type } from './types.ts';
import { type MappingValue, SequenceValue, type Value } from './values.ts';

/**
 * A value as `terraform console` prints it: `tolist([...])` where a list is not a tuple, a text of several lines as a
 * heredoc. Sensitive values and parts are never shown, nor is anything that carries another mark (a secret).
 */
export function displayValue(value: Value, indent = 0): string {
  if (value.marks.size > 0) return '(sensitive value)';
  switch (value.kind) {
    case 'unknown':
      return '(known after apply)';
    case 'null':
      return displayNull(value.type);
    case 'string':
      return value.text.includes('\n') ? heredoc(value.text, indent) : quote(value.text);
    case 'number':
      return numberText(value.number);
    case 'bool':
      return String(value.isTrue);
  }
  if (value instanceof SequenceValue) return displaySequence(value, indent);
  return displayMapping(value, indent);
}

function displayNull(type: Type): string {
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
      return `to${type.kind}(null) /* of ${friendlyName(type.element)} */`;
    default:
      return `null /* ${friendlyName(type)} */`;
  }
}

/** Terraform's short words for a type: `list of string`, `object`. */
function friendlyName(type: Type): string {
  switch (type.kind) {
    case 'dynamic':
      return 'dynamic';
    case 'list':
    case 'set':
    case 'map':
      return `${type.kind} of ${friendlyName(type.element)}`;
    default:
      return type.kind;
  }
}

const around = { list: 'tolist', set: 'toset', tuple: '', map: 'tomap', object: '' } as const;

const wrapped = (kind: keyof typeof around, body: string): string =>
  around[kind] === '' ? body : `${around[kind]}(${body})`;

function displaySequence(value: SequenceValue, indent: number): string {
  if (value.elements.length === 0) return wrapped(value.kind, '[]');
  const inner = ' '.repeat(indent + 2);
  const lines = value.elements.map((element) => `${inner}${displayValue(element, indent + 2)},\n`);
  return wrapped(value.kind, `[\n${lines.join('')}${' '.repeat(indent)}]`);
}

function displayMapping(value: MappingValue, indent: number): string {
  if (value.entries.size === 0) return wrapped(value.kind, '{}');
  const inner = ' '.repeat(indent + 2);
  const lines = [...value.entries].map(
    ([key, part]) => `${inner}${quote(key)} = ${displayValue(part, indent + 2)}\n`,
  );
  return wrapped(value.kind, `{\n${lines.join('')}${' '.repeat(indent)}}`);
}

/** The delimiter is one that the text does not hold as a line. */
function heredoc(text: string, indent: number): string {
  const lines = text.split('\n');
  let delimiter = 'EOT';
  for (let turn = 0; lines.some((line) => line.trim() === delimiter); turn += 1)
    delimiter = `EOT${turn || ''}_`;
  const isIndented = indent > 0;
  const body = lines.map((line) => (isIndented ? `${' '.repeat(indent)}${line}` : line)).join('\n');
  return `<<${isIndented ? '-' : ''}${delimiter}\n${body}\n${isIndented ? ' '.repeat(indent) : ''}${delimiter}`;
}
