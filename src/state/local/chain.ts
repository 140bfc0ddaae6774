/**
 * The chain that makes the journal evident to tampering: each link's hash covers the link before it, and the first
 * covers the lineage. Changing, removing or moving any link changes every hash after it.
 */
import { createHash } from 'node:crypto';

export interface Link {
  readonly seq: number;
  readonly kind: string;
  /** Canonical JSON. */
  readonly body: string;
  readonly hash: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the first link's hash covers instead of a link before it. */
export const genesis = (lineage: string): string => sha256(`deployctl state\n${lineage}\n`);

/** SHA-256 over the hash before, the place in the chain, the kind and the body. */
export const linkHash = (previous: string, seq: number, kind: string, body: string): string =>
  sha256(`${previous}\n${seq}\n${kind}\n${body}\n`);

/** What is wrong with links that should follow each other after `previous`, as a clause; undefined: nothing. */
export function brokenAt(previous: string, links: Iterable<Link>, firstSeq: number): string | undefined {
  let before = previous;
  let expected = firstSeq;
  for (const link of links) {
    if (link.seq !== expected) return `journal entry ${expected} is missing`;
    if (link.hash !== linkHash(before, link.seq, link.kind, link.body)) {
      return `journal entry ${link.seq} does not match its hash`;
    }
    before = link.hash;
    expected += 1;
  }
  return undefined;
}
