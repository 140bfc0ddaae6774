import { readFileSync } from 'node:fs';

/** A row of a table in docs/language-differences.md. */
export interface Difference {
  readonly expr: string;
  readonly reason: string;
}

/**
 * The expressions that docs/language-differences.md lists under a heading, so that the document and the tests cannot
 * contradict each other. An expression is the first cell, in backticks; `\n` in it is a line break.
 */
export function differencesUnder(heading: string): readonly Difference[] {
  const text = readFileSync(new URL('../../docs/language-differences.md', import.meta.url), 'utf8');
  const start = text.indexOf(`## ${heading}\n`);
  if (start < 0) throw new Error(`docs/language-differences.md has no heading "${heading}"`);
  const section = text.slice(start).split(/\n## /)[0] ?? '';
  const rows: Difference[] = [];
  for (const line of section.split('\n')) {
    const match = /^\| `(.+?)` \|(.*)\|$/.exec(line);
    if (match === null) continue;
    const [, expr = '', rest = ''] = match;
    rows.push({ expr: expr.replaceAll('\\|', '|'), reason: rest.trim() });
  }
  return rows;
}
