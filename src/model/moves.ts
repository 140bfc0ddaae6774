/** What is recorded under one address and declared under another since. */
import { type Address, asAddress } from './words.ts';

/** Everything at or below `from` is at or below `to` now. */
export interface Move {
  readonly from: Address;
  readonly to: Address;
}

/**
 * Whether an address is `outer` itself or something in it: one of its instances, or a part. `service.shop` holds
 * `service.shop.slot["blue"]`, and not `service.shopping`.
 */
export const isWithin = (address: string, outer: string): boolean =>
  address.startsWith(outer) && ['', '.', '['].includes(address.charAt(outer.length));

/** Where something is now that was recorded at `address`. Moves stand before those that go on from where they lead. */
export const follow = (address: Address, moves: readonly Move[]): Address =>
  moves.reduce((at, { from, to }) => replaced(at, from, to), address);

/** Where something was that is at `address` now: the address that the first of its moves began with. */
export const retrace = (address: Address, moves: readonly Move[]): Address =>
  moves.reduceRight((at, { from, to }) => replaced(at, to, from), address);

function replaced(address: Address, from: Address, to: Address): Address {
  const rest = address.slice(from.length);
  // An instance has no instances: with `host.web` now `host.web["a"]`, what is at `host.web["b"]` is another host.
  if (!isWithin(address, from) || (rest.startsWith('[') && to.endsWith(']'))) return address;
  return asAddress(to + rest);
}
