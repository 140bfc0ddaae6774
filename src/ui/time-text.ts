/** Times and amounts in words that a person reads at a glance. */
import type { Instant } from '../model/index.ts';

/** `< 0.1 s`, `0.6 s`, `14 s`, `1 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function durationText(seconds: number): string {
  if (seconds <= 0) return '0 s';
  if (seconds < 0.1) return '< 0.1 s';
  if (seconds < 9.95) {
    const tenths = Math.round(seconds * 10) / 10;
    return `${Number.isInteger(tenths) ? tenths : tenths.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return whole < 3600
    ? two(whole, 60, 'min', 1, 's')
    : whole < 86_400
      ? two(Math.round(whole / 60) * 60, 3600, 'h', 60, 'min')
      : two(Math.round(whole / 3600) * 3600, 86_400, 'd', 3600, 'h');
}

function two(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  const whole = `${Math.floor(seconds / large)} ${largeName}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallName}`;
}

/** What a measured time was: `4 ms` below a tenth of a second, else like {@link durationText}. */
export const elapsedText = (ms: number): string =>
  ms < 100 ? `${Math.max(0, Math.round(ms))} ms` : durationText(ms / 1000);

/** `00:14`, `1:02:07`. */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pair = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${pair(Math.floor((seconds % 3600) / 60))}:${pair(seconds % 60)}`;
  return hours === 0 ? rest : `${hours}:${rest}`;
}

/** `just now`, `3 min ago`, `3 hours ago`, `12 days ago`. */
export function agoText(at: Instant, now: Instant): string {
  const seconds = Math.max(0, (now - at) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400 * 2) return `${counted(Math.floor(seconds / 3600), 'hour')} ago`;
  return `${counted(Math.floor(seconds / 86_400), 'day')} ago`;
}

const pair = (value: number): string => String(value).padStart(2, '0');

/** `14:03:22`, in the time zone of whoever reads. */
export function clockText(at: Instant): string {
  const date = new Date(at);
  return `${pair(date.getHours())}:${pair(date.getMinutes())}:${pair(date.getSeconds())}`;
}

/** `2026-11-20 14:03:22`, in the time zone of whoever reads. */
export function dateText(at: Instant): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${pair(date.getMonth() + 1)}-${pair(date.getDate())} ${clockText(at)}`;
}

/** For JSON: UTC, with milliseconds. */
export const isoTime = (at: Instant): string => new Date(at).toISOString();

/** `1 host`, `3 hosts`, `22,104 requests`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${thousands(count)} ${count === 1 ? one : many}`;

/** `22,104`. */
export const thousands = (value: number): string => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** `a`, `a and b`, `a, b and c`. */
export function listText(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}
