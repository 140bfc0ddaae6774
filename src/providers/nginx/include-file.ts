/**
 * The file that nginx includes into a `map`: a line for each route, whole decisions, and one with the number of the
 * file. Pure.
 *
 *   "@revision" "7";
 *   "shop" "shop_blue|shop_green|,00,01,|,header~x-beta~1,";
 */
import type { RouteValue } from '../../model/index.ts';
import { parseCell, renderCell } from '../balancer/probed/cell.ts';
import type { RouteCell } from '../balancer/reading.ts';

/** The key of the number, which no route has: names have no `@`. */
export const revisionKey = '@revision';

export interface IncludeFile {
  /** '': none yet. */
  readonly revision: string;
  readonly routes: ReadonlyMap<string, RouteCell>;
}

const lineForm = /^\s*"([^"]+)"\s+"([^"]*)";\s*$/;

/** Of equal keys the first counts. A line of another form is somebody's: it is kept under its own text, unreadable. */
export function parseInclude(text: string): IncludeFile {
  let revision = '';
  const routes = new Map<string, RouteCell>();
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const [, key = line.trim(), value] = lineForm.exec(line) ?? [];
    if (key === revisionKey) revision = value ?? '';
    else if (!routes.has(key)) routes.set(key, value === undefined ? { unreadable: key } : parseCell(value));
  }
  return { revision, routes };
}

/** The file with this one route changed and a number of its own; all else stays as it is, comments and all. */
export function withRoute(text: string, route: string, to: RouteValue | null): string {
  const { revision } = parseInclude(text);
  const next = /^\d{1,15}$/.test(revision) ? Number(revision) + 1 : 1;
  const others = text
    .split('\n')
    .filter((line) => line.trim() !== '' && ![route, revisionKey].includes(lineForm.exec(line)?.[1] ?? ''));
  const own = to === null ? [] : [`"${route}" "${renderCell(to)}";`];
  return [...others, `"${revisionKey}" "${next}";`, ...own].map((line) => `${line}\n`).join('');
}
