/**
 * Routes as folders of empty files, which a proxy reads for each request. Pure.
 *
 *   <flags_dir>/live -> rev-7                   swapped at once; a revision is never changed after that
 *   <flags_dir>/rev-7/<route>/stable/<pool>     one file
 *                            /canary/<pool>     one file
 *                            /bucket/00 … 09    the canary's share, a file for each percent
 *                            /audience/<rule>   who always gets the canary
 *                    /revision/rev-7            says its own name, for a proxy that cannot resolve a link
 *
 * A proxy resolves `live` once for each request and then asks for files of that revision only, so that no request is
 * decided by two of them.
 */
import {
  type AudienceRule,
  audienceToken,
  canonicalAudience,
  parseAudienceToken,
  type RouteValue,
} from '../../../model/index.ts';
import type { RouteCell } from '../reading.ts';

/** A share is told in buckets of this many basis points. */
export const bucketBasisPoints = 100;

const bucketName = (index: number): string => String(index).padStart(2, '0');

/** The files of one route, below its folder, in their order. */
export function filesOf({ stable, canary, canaryBasisPoints, audience = [] }: RouteValue): readonly string[] {
  const buckets = Math.round(canaryBasisPoints / bucketBasisPoints);
  return [
    ...audience.map((rule) => `audience/${audienceToken(rule)}`),
    ...Array.from({ length: buckets }, (_, index) => `bucket/${bucketName(index)}`),
    `canary/${canary}`,
    `stable/${stable}`,
  ];
}

/** What a listing of `route/kind/name` lines says. Anything that deployctl would not have put there is unreadable. */
export function parseListing(listing: string): ReadonlyMap<string, RouteCell> {
  const byRoute = new Map<string, string[]>();
  for (const line of listing.split('\n')) {
    const cut = line.indexOf('/');
    if (cut < 1) continue;
    const route = line.slice(0, cut);
    byRoute.set(route, [...(byRoute.get(route) ?? []), line.slice(cut + 1)]);
  }
  return new Map([...byRoute].map(([route, files]) => [route, parseFiles(files)]));
}

function parseFiles(files: readonly string[]): RouteCell {
  const under = (folder: string): readonly string[] =>
    files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1));
  const [stable, ...moreStable] = under('stable');
  const [canary, ...moreCanary] = under('canary');
  const buckets = under('bucket').toSorted();
  const rules = under('audience').map(parseAudienceToken);
  const known = rules.filter((rule): rule is AudienceRule => rule !== undefined);
  const counted = under('stable').length + under('canary').length + buckets.length + rules.length;
  const isOurs =
    moreStable.length === 0 &&
    moreCanary.length === 0 &&
    counted === files.length &&
    known.length === rules.length &&
    buckets.length <= 10_000 / bucketBasisPoints &&
    buckets.every((name, index) => name === bucketName(index));
  if (stable === undefined || canary === undefined || !isOurs) return { unreadable: files.join(' ') };
  const audience = canonicalAudience(known);
  return {
    stable,
    canary,
    canaryBasisPoints: buckets.length * bucketBasisPoints,
    ...(audience === undefined ? {} : { audience }),
  };
}

/** The listing with this one route changed; the files of the others stay as they are. */
export function withRoute(listing: string, route: string, to: RouteValue | null): string {
  const others = listing.split('\n').filter((line) => line !== '' && !line.startsWith(`${route}/`));
  const own = to === null ? [] : filesOf(to).map((file) => `${route}/${file}`);
  return [...others, ...own]
    .toSorted()
    .map((line) => `${line}\n`)
    .join('');
}
