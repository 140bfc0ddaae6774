import type { Expression } from './ast.ts';
import { trimSpaceStart } from './characters.ts';
import { countGraphemes } from './source.ts';

/**
 * A template before its directives are matched: stretches of text, values, and directive marks in a row.
 * `trimmable` texts may still change, because a strip marker or the indentation of `<<-` is settled later.
 */
export type TemplatePart = TextPart | ValuePart | IfMark | ForMark | EndMark;

export const isTextOrValue = (part: TemplatePart): part is TextPart | ValuePart =>
  part.kind === 'string' || part.kind === 'value';

/** Already the node that it becomes. */
export interface TextPart {
  readonly kind: 'string';
  value: string;
  readonly start: number;
  end: number;
  readonly heredoc: boolean;
}

/** What stands in `${}`. */
export class ValuePart {
  readonly kind = 'value';
  readonly value: Expression;
  /** How deep the value's own tree is. */
  readonly height: number;
  readonly start: number;
  readonly end: number;

  constructor(value: Expression, height: number, start: number, end: number) {
    this.value = value;
    this.height = height;
    this.start = start;
    this.end = end;
  }
}

export interface IfMark {
  readonly kind: 'if';
  readonly condition: Expression;
  readonly height: number;
  readonly start: number;
  readonly end: number;
}

export interface ForMark {
  readonly kind: 'for';
  readonly keyName: string | undefined;
  readonly valueName: string;
  readonly collection: Expression;
  readonly height: number;
  readonly start: number;
  readonly end: number;
}

export interface EndMark {
  readonly kind: 'else' | 'endif' | 'endfor';
  readonly start: number;
  readonly end: number;
}

/**
 * Takes the indentation that all lines of a `<<-` heredoc share from each of them, in place. It is counted on
 * the literal text, so that a value that begins with blanks changes nothing, and after strip markers were
 * applied, which gives HashiCorp's surprising results where both meet. A line of blanks only does not count.
 */
export function stripIndentation(parts: readonly TemplatePart[]): void {
  let least = Number.POSITIVE_INFINITY;
  let lineStart = true;
  const lines: { readonly text: TextPart; readonly blanks: string }[] = [];
  for (const part of parts) {
    if (lineStart) {
      lineStart = false;
      if (part.kind !== 'string') {
        least = 0;
      } else {
        const rest = trimSpaceStart(part.value);
        if (rest !== '' || !part.value.endsWith('\n')) {
          const blanks = part.value.slice(0, part.value.length - rest.length);
          lines.push({ text: part, blanks });
          least = Math.min(least, countGraphemes(blanks));
        }
      }
    }
    if (part.kind === 'string' && part.value.endsWith('\n')) lineStart = true;
  }
  // Blanks are one UTF-16 unit each, and one column each too: a CR LF would have made it a blank line.
  for (const { text } of lines) text.value = text.value.slice(least);
}

/** Joins neighbouring texts, so that a template of text only is recognised as that. */
export function joinTexts(parts: readonly TemplatePart[]): readonly TemplatePart[] {
  if (!parts.some((part, index) => part.kind === 'string' && parts[index + 1]?.kind === 'string'))
    return parts;
  const joined: TemplatePart[] = [];
  let run: string[] = [];
  let last: TextPart | undefined;
  const finish = () => {
    if (last !== undefined && run.length > 1) last.value = run.join('');
    last = undefined;
    run = [];
  };
  for (const part of parts) {
    if (part.kind !== 'string') {
      finish();
      joined.push(part);
    } else if (last === undefined) {
      last = part;
      run.push(part.value);
      joined.push(part);
    } else {
      run.push(part.value);
      last.end = part.end;
    }
  }
  finish();
  return joined;
}
