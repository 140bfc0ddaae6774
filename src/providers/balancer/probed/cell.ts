/**
 * The whole decision of a route as one word, for proxies that look for parts of it by patterns. Pure.
 *
 *   shop_blue|shop_green|,00,01,|,header~x-beta~1,
 *
 * Stable pool, canary pool, the buckets that get the canary, and the rules of an audience; commas around each, so that
 * one is found whole by looking for it with its commas.
 */
import {
  audienceToken,
  canonicalAudience,
  parseAudienceToken,
  type RouteValue,
} from '../../../model/index.ts';
import type { RouteCell } from '../reading.ts';

/** A share is told in buckets of this many basis points. */
export const bucketBasisPoints = 100;

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
