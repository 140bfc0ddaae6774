import { readFileSync } from 'node:fs';
import type { Call } from '../app/call.ts';
import type { Diagnostic } from '../model/index.ts';
import { visibleLines } from '../model/visible.ts';
import { renderDiagnostic } from '../ui/diagnostic.ts';
import type { Terminal } from './terminal.ts';

/**
 * Diagnostics for standard error, in Terraform's frame, with the lines of the configuration that they are about. `typed`:
 * the text of what is in no file, by the name that ranges have for it.
 */
export function diagnosticsText(
  diagnostics: readonly Diagnostic[],
  terminal: Terminal,
  typed: Readonly<Record<string, string>> = {},
): string {
  const sources = (file: string): string | undefined => typed[file] ?? sourceText(file);
  const style = { sources, color: terminal.color.stderr, width: Math.min(terminal.columns, 110) };
  return terminal.call
    .pasteableIn(diagnostics)
    .map((diagnostic) => `\n${renderDiagnostic(diagnostic, style)}`)
    .join('');
}

/** Before a message that came before an environment was looked for. */
export async function guessEnvironmentFor(call: Call): Promise<void> {
  const { guessEnvironment } = await import('../app/environment.ts');
  call.guess(guessEnvironment);
}

/** Frames one diagnostic for standard output, as part of a text. */
export const diagnosticFrame =
  (
    { call, color, columns }: Terminal,
    style: { readonly color: boolean; readonly columns: number } = { color: color.stdout, columns },
  ) =>
  (diagnostic: Diagnostic): string =>
    renderDiagnostic(call.pasteableOf(diagnostic), {
      sources: sourceText,
      color: style.color,
      width: Math.min(style.columns, 110),
    });

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
    hint: 'Before anything else look at where things stand:  deployctl status ENV\nWhat was journalled is kept, and a run that was begun can be resumed. Then report the lines below.',
  };
  return `${diagnosticsText([bug], terminal)}\n${visibleLines(stack).join('\n')}\n`;
}
