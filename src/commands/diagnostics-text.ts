import type { Diagnostic } from '../model/index.ts';
import { visible, visibleLines } from '../model/visible.ts';
import { hang, wrap } from '../ui/layout.ts';
import { paint } from '../ui/paint.ts';

import type { Terminal } from './terminal.ts';

/** Diagnostics for standard error, in Terraform's frame. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], terminal: Terminal): string {
  return diagnostics.map((diagnostic) => `\n${frame(diagnostic, terminal)}`).join('');
}

function frame(diagnostic: Diagnostic, terminal: Terminal): string {
  const { bold, red, yellow } = paint(terminal.color.stderr);
  const color = diagnostic.severity === 'error' ? red : yellow;
  const width = Math.min(terminal.columns, 100) - 2;
  const title = diagnostic.severity === 'error' ? 'Error' : 'Warning';
  const { subject } = diagnostic;
  const lines = [
    `${bold(color(`${title}: `))}${bold(visible(diagnostic.summary))}`,
    ...(subject === undefined ? [] : ['', `  on ${subject.file} line ${subject.start.line}:`]),
    '',
    ...wrap(visible(diagnostic.detail), width),
    ...(diagnostic.hint === undefined ? [] : ['', ...hang('Fix: ', visible(diagnostic.hint), width)]),
  ];
  return [color('╷'), ...lines.map((line) => `${color('│')} ${line}`.trimEnd()), color('╵'), ''].join('\n');
}

/** For what must not happen: says that it is a fault of deployctl, and where it came from. */
export function bugText(error: unknown, terminal: Terminal): string {
  const detail = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const text = diagnosticsText(
    [
      {
        code: 'bug',
        severity: 'error',
        summary: 'deployctl itself has failed',
        detail: `This is a fault of deployctl, not of the configuration: ${detail}`,
        hint: 'Look at "deployctl status" before anything else: what was journalled is kept, and a run that was begun can be resumed. Then report the lines below.',
      },
    ],
    terminal,
  );
  return `${text}\n${visibleLines(stack).join('\n')}\n`;
}
