/** How an analysis stands, for every view. */
import type { Address, Event, StepId, Verdict } from '../model/index.ts';
import type { Paint } from './paint.ts';
import { printable } from './printable.ts';

export interface VerdictView {
  readonly service: Address;
  /** The gate in which it was said. */
  readonly step: StepId;
  readonly verdict: Verdict['verdict'];
  readonly reason: string;
  readonly requests: number | undefined;
}

/** The newest verdict of each service. */
export function foldVerdict(
  before: readonly VerdictView[],
  { service, step, verdict, reason, requests }: Extract<Event, { type: 'verdict' }>,
): readonly VerdictView[] {
  const others = before.filter((each) => each.service !== service);
  return [...others, { service, step, verdict, reason: printable(reason), requests }];
}

export function verdictWord(verdict: Verdict['verdict'], paint: Paint): string {
  switch (verdict) {
    case 'pass':
      return paint.green('good so far');
    case 'fail':
      return paint.red('worse than it may be');
    case 'inconclusive':
      return paint.yellow('not known yet');
  }
}
