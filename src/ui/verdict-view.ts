/** How an analysis stands, for every view. */
import type { Address, DryRunVerdict, Event, StepId, Verdict } from '../model/index.ts';
import type { Paint } from './paint.ts';
import { printable } from './printable.ts';

export interface VerdictView {
  readonly service: Address;
  /** The gate in which it was said. */
  readonly step: StepId;
  readonly verdict: Verdict['verdict'];
  readonly reason: string;
  /** What its dry runs say, which decides nothing. */
  readonly dryRun: DryRunVerdict | undefined;
  readonly requests: number | undefined;
}

/** The newest verdict of each service. */
export function foldVerdict(
  before: readonly VerdictView[],
  { service, step, verdict, reason, dryRun, requests }: Extract<Event, { type: 'verdict' }>,
): readonly VerdictView[] {
  const others = before.filter((each) => each.service !== service);
  const clean = dryRun && { ...dryRun, reason: printable(dryRun.reason) };
  return [...others, { service, step, verdict, reason: printable(reason), dryRun: clean, requests }];
}

interface VerdictText {
  readonly text: string;
  readonly verdict: Verdict['verdict'];
}

/** A sentence for what decides and one for the dry runs; where there are only dry runs, theirs alone. */
export function verdictTexts({
  verdict,
  reason,
  dryRun,
}: Pick<VerdictView, 'verdict' | 'reason' | 'dryRun'>): readonly VerdictText[] {
  const judged = reason === '' ? [] : [{ text: `${words[verdict]}: ${reason}`, verdict }];
  if (dryRun === undefined) return judged;
  const text = `dry run, decides nothing: ${words[dryRun.verdict]}: ${dryRun.reason}`;
  return [...judged, { text, verdict: dryRun.verdict }];
}

/** Colours the word of the verdict in a text that was laid out. */
export const paintVerdict = (text: string, verdict: Verdict['verdict'], paint: Paint): string =>
  text.replace(words[verdict], (word) => paint[colours[verdict]](word));

const words = {
  pass: 'good so far',
  fail: 'worse than it may be',
  inconclusive: 'not known yet',
} as const;

const colours = { pass: 'green', fail: 'red', inconclusive: 'yellow' } as const;
