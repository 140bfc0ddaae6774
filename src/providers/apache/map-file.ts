/**
 * The file that Apache's RewriteMaps read, again after each change: a line for each route, whole decisions, and one to
 * draw a bucket from. Pure.
 *
 *   @bucket 00|01|…|99
 *   shop shop_blue|shop_green|,00,01,|,header~x-beta~1,
 */
import type { RouteValue } from '../../model/index.ts';
import { parseCell, renderCell } from '../balancer/probed/cell.ts';
import type { RouteCell } from '../balancer/reading.ts';

/** The key of the buckets, which no route has: names have no `@`. A map of type `rnd` draws one of them. */
export const drawKey = '@bucket';

const buckets = Array.from({ length: 100 }, (_, index) => String(index).padStart(2, '0')).join('|');

/** Apache takes the first two words of a line, and of equal keys the first. */
function parseLine(line: string): { readonly key: string; readonly value: string } | undefined {
  const [, key, value] = /^\s*([^\s#]\S*)\s+(\S+)/.exec(line) ?? [];
  return key === undefined || value === undefined ? undefined : { key, value };
}

export function parseMap(text: string): ReadonlyMap<string, RouteCell> {
  const routes = new Map<string, RouteCell>();
  for (const line of text.split('\n')) {
    const entry = parseLine(line);
    if (entry !== undefined && entry.key !== drawKey && !routes.has(entry.key))
      routes.set(entry.key, parseCell(entry.value));
  }
  return routes;
}

/** The file with this one route changed; every other line stays as it is, comments and all. */
export function withRoute(text: string, route: string, to: RouteValue | null): string {
  const others = text
    .split('\n')
    .filter((line) => line.trim() !== '' && ![route, drawKey].includes(parseLine(line)?.key ?? ''));
  const own = to === null ? [] : [`${route} ${renderCell(to)}`];
  return [`${drawKey} ${buckets}`, ...others, ...own].map((line) => `${line}\n`).join('');
}
