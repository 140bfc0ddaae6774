/** What people did while a run went on, and what was decided in it: its notes, each in a sentence with its time. */
import type { Diagnostic, DryRunVerdict, JournalEntry, Json, StepId, Verdict } from '../model/index.ts';
import type { PhaseHistory } from './journal-view.ts';
import { hang } from './layout.ts';
import { printable } from './printable.ts';
import { clockText } from './time-text.ts';
import { verdictTexts } from './verdict-view.ts';

/** A note as the journal has it; `kind` may be one that a newer program has written. */
type Noted = { readonly kind: string } & { readonly [key: string]: Json };

export function noteLines(
  journal: readonly JournalEntry[],
  phases: readonly PhaseHistory[],
  width: number,
): readonly string[] {
  const numbers = new Map(
    phases.flatMap(({ phase, steps }) => steps.map(({ step }) => [step.id, phase.number] as const)),
  );
  const verdicts = new Map<StepId | undefined, string>();
  return journal.flatMap(({ mark, at, step, detail, failure }) => {
    if (mark !== 'note' || detail === undefined) return [];
    const where = step === undefined ? '' : ` in step ${numbers.get(step) ?? '?'}`;
    const said = isNoted(detail) ? sentencesOf(detail, where, failure) : [JSON.stringify(detail)];
    if (isNoted(detail) && detail.kind === 'verdict') {
      // Said again each second with other figures: what counts is when it became another one.
      const now = JSON.stringify([detail['verdict'], dryRunIn(detail)?.verdict ?? null]);
      if (verdicts.get(step) === now) return [];
      verdicts.set(step, now);
    }
    return said.flatMap((text) => hang(`  ${clockText(at)}  `, printable(text), width));
  });
}

const isNoted = (detail: Json): detail is Noted =>
  detail !== null && typeof detail === 'object' && 'kind' in detail && typeof detail['kind'] === 'string';

/** A note of a kind that is new here is shown as it is. */
function sentencesOf(note: Noted, where: string, failure: Diagnostic | undefined): readonly string[] {
  const text = (key: string): string => (typeof note[key] === 'string' ? note[key] : '');
  const reason = text('reason') === '' ? '' : `: ${text('reason')}`;
  switch (note.kind) {
    case 'pause':
      return [`paused by ${text('by')}${reason}`];
    case 'continue':
      return [`continued by ${text('by')}`];
    case 'promote':
      return [`promoted by ${text('by')}${note['full'] === true ? ', with nothing more to wait for' : ''}`];
    case 'abort':
      return [`aborted by ${text('by')}${reason}`];
    case 'resumed':
      return [`resumed by ${text('by')}`];
    case 'stop':
    case 'stop_at_once':
      return [`asked to stop${note['atOnce'] === true ? ' at once' : ''} by ${text('by')}${reason}`];
    case 'undo':
      return [`began to undo${reason}`];
    case 'undo_failed':
      return [`undoing failed${where}${failure === undefined ? '' : `: ${failure.summary}`}`];
    case 'hook':
      return note['state'] === 'begun' ? [] : [`hook ${hookPoint(text('key'))} ${text('state')}`];
    case 'verdict':
      return verdictSentences(note, where);
    default:
      return [JSON.stringify(note)];
  }
}

/** `on_failure-0-1`: the first hook of that point, after the first failure. */
const hookPoint = (key: string): string => key.replace(/-\d+-\d+$/, '');

const dryRunIn = (note: Noted): DryRunVerdict | undefined =>
  (note['dryRun'] ?? undefined) as DryRunVerdict | undefined;

function verdictSentences(note: Noted, where: string): readonly string[] {
  const { verdict, reason } = note as unknown as Pick<Verdict, 'verdict' | 'reason'>;
  return verdictTexts({ verdict, reason, dryRun: dryRunIn(note) }).map(
    (each) => `analysis${where}: ${each.text}`,
  );
}
