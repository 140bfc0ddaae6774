/** What `state push` and `state migrate` say when they are done. */
import type { Transferred } from '../../app/state-transfer.ts';
import type { Diagnostic } from '../../model/index.ts';
import { shellWord } from '../../model/shell-word.ts';
import { paint } from '../../ui/paint.ts';
import { printable, printableJson } from '../../ui/printable.ts';

export function transferredText(done: Transferred, color: boolean): string {
  const { bold } = paint(color);
  if (!done.isChanged) return bold('Nothing to do: it is recorded here already.');
  return [
    bold('The recorded state was put in its place, and verifies.'),
    `Lineage ${done.lineage}, serial ${done.serial}.`,
    ...(done.backup === undefined ? [] : [printable(`What it replaced is kept in ${done.backup}`)]),
  ].join('\n');
}

export const transferredJson = (environment: string, done: Transferred): string =>
  printableJson({
    format_version: '1.0',
    environment,
    lineage: done.lineage,
    serial: done.serial,
    changed: done.isChanged,
    backup: done.backup ?? null,
  });

/** What was lost because it was forced. */
export const transferWarnings = ({ lost, backup }: Transferred): readonly Diagnostic[] =>
  lost === undefined
    ? []
    : [
        {
          code: 'state-replaced',
          severity: 'warning',
          summary: 'A recorded state was replaced by force',
          detail: lost,
          ...(backup === undefined
            ? {}
            : {
                hint: `It is kept, and can be put back:  deployctl state push ENV ${shellWord(backup)} --force`,
              }),
        },
      ];
