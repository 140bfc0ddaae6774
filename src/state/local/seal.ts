/**
 * What each writer leaves: how the state stood when it wrote last, so that the next one need not read the whole journal to
 * know that it goes on from there.
 */
export interface Seal {
  readonly serial: number;
  /** The newest link's hash. */
  readonly head: string;
  /** Of all recorded resources: their hashes, combined bit by bit (XOR), so that one can be taken out again. */
  readonly resources: string;
  /** The serial at which everything was verified last. */
  readonly verifiedAt: number;
}

/**
 * undefined: there is none, or it is not one. One that fits is no proof against somebody who can compute it, no more than the
 * chain is: both tell of damage and of edits by hand.
 */
export function readSeal(text: string | undefined): Seal | undefined {
  if (text === undefined) return undefined;
  let seal: Partial<Seal>;
  try {
    seal = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { serial, head, resources, verifiedAt } = seal;
  return serial === undefined || head === undefined || resources === undefined || verifiedAt === undefined
    ? undefined
    : { serial, head, resources, verifiedAt };
}

export const numberOf = (hash: string): bigint => BigInt(`0x${hash}`);
export const sumText = (sum: bigint): string => sum.toString(16).padStart(64, '0');
