/**
 * Audiences: requests that always get the canary, whatever its share. A request belongs to one when it meets any of the
 * rules. Rules are plain and few, because every balancer must be able to decide by them for each request.
 */

export interface AudienceRule {
  readonly by: 'header' | 'cookie' | 'query';
  /** A header's name is in lower case: headers have no case. Of a cookie or of the query it is as it is written. */
  readonly name: string;
  readonly value: string;
}

const audienceSources: readonly unknown[] = ['header', 'cookie', 'query'];
export const isAudienceSource = (by: unknown): by is AudienceRule['by'] => audienceSources.includes(by);

/** What a rule may be made of: what every balancer can compare without quoting of its own kind. */
export const isAudienceName = (name: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(name);
export const isAudienceValue = (value: string): boolean => /^[A-Za-z0-9._~:/+=@-]{1,128}$/.test(value);
/** Of the query: what nobody writes in two ways, since balancers compare it as it was sent. */
export const isAudienceQueryValue = (value: string): boolean => /^[A-Za-z0-9._~-]{1,128}$/.test(value);

/** Each rule once and in one order, so that equal audiences are equal values; undefined where there is none. */
export function canonicalAudience(rules: readonly AudienceRule[]): readonly AudienceRule[] | undefined {
  const byToken = new Map(
    rules.map((rule) => {
      const plain = rule.by === 'header' ? { ...rule, name: rule.name.toLowerCase() } : rule;
      return [audienceToken(plain), plain];
    }),
  );
  const sorted = [...byToken].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
  return sorted.length === 0 ? undefined : sorted;
}

/** The rules of an `audience` block: one for each header, each cookie and each name of the query. */
export const audienceRules = (
  header: Readonly<Record<string, string>> = {},
  cookie: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string>> = {},
): readonly AudienceRule[] => [
  ...Object.entries(header).map(([name, value]) => ({ by: 'header' as const, name, value })),
  ...Object.entries(cookie).map(([name, value]) => ({ by: 'cookie' as const, name, value })),
  ...Object.entries(query).map(([name, value]) => ({ by: 'query' as const, name, value })),
];

/**
 * A rule as one word: `header~x-beta~1`. It is what balancers keep, in a map or as the name of a file, so it has letters,
 * digits and `_.~%-` only, and says everything by itself.
 */
export const audienceToken = ({ by, name, value }: AudienceRule): string =>
  `${by}~${name}~${encodeURIComponent(value).replaceAll('~', '%7E')}`;

/** undefined: it is not such a word. */
export function parseAudienceToken(token: string): AudienceRule | undefined {
  const [, by, name, encoded] =
    /^(header|cookie|query)~([A-Za-z0-9_-]{1,64})~([A-Za-z0-9._%-]+)$/.exec(token) ?? [];
  if (!isAudienceSource(by) || name === undefined || encoded === undefined) return undefined;
  try {
    const rule = { by, name, value: decodeURIComponent(encoded) } as const;
    return isAudienceValue(rule.value) && audienceToken(rule) === token ? rule : undefined;
  } catch {
    return undefined;
  }
}

/** For people: `header x-beta = 1`. */
export const describeAudienceRule = ({ by, name, value }: AudienceRule): string => `${by} ${name} = ${value}`;
