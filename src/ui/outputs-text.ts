/** The outputs of a configuration as `terraform apply` ends with them. */
import type { Declared, Json } from '../model/index.ts';
import { type Paint, paint as paintOf } from './paint.ts';
import { printable } from './printable.ts';

type Outputs = Declared['outputs'];

/** Without a line end; empty where there are none. A sensitive one is named, and its value is known to nobody here. */
export function outputsText(outputs: Outputs, paint: Paint = paintOf(false)): string {
  const names = Object.keys(outputs);
  if (names.length === 0) return '';
  const lines = names.map((name) => {
    const { value, sensitive } = outputs[name] ?? { value: null, sensitive: true };
    return `${printable(name)} = ${sensitive ? '(sensitive value)' : valueText(value, '')}`;
  });
  return [paint.bold('Outputs:'), '', ...lines].join('\n');
}

/** As Terraform's JSON has them; the value of a sensitive one is left out. */
export const outputsJson = (outputs: Outputs): object =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { value, sensitive }]) => [
      name,
      sensitive ? { sensitive } : { sensitive, value },
    ]),
  );

function valueText(value: Json, indent: string): string {
  if (typeof value !== 'object' || value === null) return quoted(value);
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const items = Array.isArray(value)
    ? value.map((each: Json) => `${inner}${valueText(each, inner)},`)
    : Object.entries(value).map(
        ([name, each]) => `${inner}${quoted(name)} = ${valueText(each as Json, inner)}`,
      );
  return items.length === 0 ? `${open}${close}` : [open, ...items, `${indent}${close}`].join('\n');
}

/** JSON escapes what would move the cursor; the rest that is not to be trusted is made visible. */
const quoted = (value: Json): string => printable(JSON.stringify(value));
