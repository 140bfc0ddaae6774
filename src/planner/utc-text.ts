/** A moment for people, from arithmetic alone: the planner has no Date, so that it can have no clock. */
import type { Instant } from '../model/index.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** `2026-12-24 08:30 UTC`. Days to dates by H. Hinnant's algorithm (chrono-Compatible Low-Level Date Algorithms). */
export function utcText(instant: Instant): string {
  const shifted = Math.floor(instant / dayMs) + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const minutes = Math.floor((instant - Math.floor(instant / dayMs) * dayMs) / minuteMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${year + era * 400 + (month <= 2 ? 1 : 0)}-${two(month)}-${two(day)}`;
  return `${date} ${two(Math.floor(minutes / 60))}:${two(minutes % 60)} UTC`;
}
