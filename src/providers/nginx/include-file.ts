/**
 * The file that nginx includes into a `map`: a line for each route, whole decisions, and one with the number of the
 * file. Pure.
 *
 *   "@revision" "7";
 *   "shop" "shop_blue|shop_green|,00,01,|,header~x-beta~1,";
 *
 * Stable pool, canary pool, the buckets that get the canary, and the rules of an audience; commas around each, so that
 * a pattern finds one whole by looking for it with its commas.
 */
import { audienceToken, canonicalAudience, parseAudienceToken, type RouteValue } from '../../model/index.ts';
import type { RouteCell } from '../balancer/reading.ts';

/** A share is told in buckets of this many basis points. */
export const bucketBasisPoints = 100;

/** The key of the number, which no route has: names have no `@`. */
export const revisionKey = '@revision';

const bucketName = (index: number): string => String(index).padStart(2, '0');
const listed = (words: readonly string[]): string => (words.length === 0 ? ',' : `,${words.join(',')},`);

export function renderCell({ stable, canary, canaryBasisPoints, audience = [] }: RouteValue): string {
  const buckets = Math.round(canaryBasisPoints / bucketBasisPoints);
  return [
    stable,
    canary,
    listed(Array.from({ length: buckets }, (_, index) => bucketName(index))),
    listed(audience.map(audienceToken)),
  ].join('|');
}

/** Anything that deployctl would not have written there is unreadable. */
export function parseCell(text: string): RouteCell {
  const [stable = '', canary = '', buckets = '', rules = ''] = text.split('|');
  const words = (list: string): readonly string[] => list.split(',').filter((word) => word !== '');
  const audience = canonicalAudience(
    words(rules)
      .map(parseAudienceToken)
      .filter((rule) => rule !== undefined),
  );
  const value = {
    stable,
    canary,
    canaryBasisPoints: words(buckets).length * bucketBasisPoints,
    ...(audience === undefined ? {} : { audience }),
  };
  const isOurs = stable !== '' && canary !== '' && renderCell(value) === text;
  return isOurs ? value : { unreadable: text };
}

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
