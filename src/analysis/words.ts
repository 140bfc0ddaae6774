/** How verdicts are said, and what one look of one analysis is. */
import type { Json } from '../model/index.ts';

/** Before it is asked how often in a row, and whether the time is over. */
export interface Opinion {
  readonly says: 'good' | 'bad' | 'unclear';
  /** A clause with the values that matter. */
  readonly reason: string;
  readonly samples: Json;
}

/** `3.1%`, `0.04%`: two digits that count. */
export function percent(rate: number): string {
  const value = rate * 100;
  if (value === 0 || value >= 10) return `${Math.round(value)}%`;
  return `${Number(value.toPrecision(2))}%`;
}

/** `22,104`. */
export const count = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');

/** `1.5 times`. */
export const times = (ratio: number): string => `${Number(ratio.toPrecision(3))} times`;
