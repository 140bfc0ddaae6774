/** A whole state as plain JSON: what `state pull` prints beside its summary, and what `state push` puts back. */
import type { Link } from './chain.ts';

export interface StateCopy {
  readonly lineage: string;
  /** The whole chain: `serial` is its length. */
  readonly links: readonly Link[];
  /** Plans and declarations as they are kept (deflated), in base64, by the SHA-256 of those bytes. */
  readonly blobs: Readonly<Record<string, string>>;
}

/** Whether it has the shape of a copy. What is in it is found right or wrong by verifying it. */
export function isStateCopy(value: {
  readonly lineage?: unknown;
  readonly links?: unknown;
  readonly blobs?: unknown;
}): value is StateCopy {
  const { lineage, links, blobs } = value;
  return (
    typeof lineage === 'string' &&
    lineage !== '' &&
    Array.isArray(links) &&
    links.every(isLink) &&
    typeof blobs === 'object' &&
    blobs !== null &&
    Object.values(blobs).every((bytes) => typeof bytes === 'string')
  );
}

function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null) return false;
  const { seq, kind, body, hash } = value as Partial<Record<keyof Link, unknown>>;
  return Number.isSafeInteger(seq) && [kind, body, hash].every((each) => typeof each === 'string');
}
