import type { SourceRange } from '../../model/diagnostic.ts';
import type { SourceText } from '../syntax/source.ts';
import type { Span } from './problem.ts';

/** A range as Terraform writes it inside of messages: `main.hcl:1,5-9`, or `main.hcl:1,5-2,3` over two lines. */
export function rangeText({ file, start, end }: SourceRange): string {
  const to = start.line === end.line ? String(end.column) : `${end.line},${end.column}`;
  return `${file}:${start.line},${start.column}-${to}`;
}

export const positionText = (source: SourceText, span: Span): string => rangeText(source.rangeOf(span));
