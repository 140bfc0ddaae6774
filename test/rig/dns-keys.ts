/** The keys of the DNS servers of tests. */

/** May do everything in `internal.test.`, and nothing in `static.test.`. */
export const key = {
  name: 'deployctl.',
  secret: 'ZGVwbG95Y3RsIHRlc3Qga2V5LCAzMiBieXRlcyBsb25nIQ==',
} as const;
/** May read, and nothing else. */
export const readerKey = {
  name: 'reader.',
  secret: 'cmVhZGVyIHRlc3Qga2V5IHdpdGggMzIgYnl0ZXMgaW4gaXQu',
} as const;
