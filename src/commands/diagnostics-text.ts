import { readFileSync } from 'node:fs';
import type { Diagnostic } from '../model/index.ts';
import { visibleLines } from '../model/visible.ts';
import { renderDiagnostic } from '../ui/diagnostic.ts';
import type { Terminal } from './terminal.ts';

/** Diagnostics for standard error, in Terraform's frame, with the lines of the configuration that they are about. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], terminal: Terminal): string {
  const style = { sources: sourceText, color: terminal.color.stderr, width: Math.min(terminal.columns, 110) };
  return diagnostics.map((diagnostic) => `\n${renderDiagnostic(diagnostic, style)}`).join('');
}

/** One diagnostic for standard output, as part of a text. */
export const diagnosticFrame = (diagnostic: Diagnostic, color: boolean, columns: number): string =>
  renderDiagnostic(diagnostic, { sources: sourceText, color, width: Math.min(columns, 110) });

/** A file by the name that ranges have, which is the path as the user would type it. */
function sourceText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // the diagnostic then stands without its line
  }
}

/** For what must not happen: says that it is a fault of deployctl, and where it came from. */
export function bugText(error: unknown, terminal: Terminal): string {
  const detail = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const bug: Diagnostic = {
    code: 'bug',
    severity: 'error',
    summary: 'deployctl itself has failed',
    detail: `This is a fault of deployctl, not of the configuration: ${detail}`,
    hint: 'Look at "deployctl status" before anything else: what was journalled is kept, and a run that was begun can be resumed. Then report the lines below.',
  };
  return `${diagnosticsText([bug], terminal)}\n${visibleLines(stack).join('\n')}\n`;
}
