/**
 * Branded words of the domain. They are plain strings and numbers at run time, so every value of the
 * model can be written as JSON and read back unchanged.
 */

/** Names one thing the way plans, flags and state do: `service.shop.slot["green"].host["web-1"]`. Never reused. */
export type Address = string & { readonly __brand: 'Address' };

/** Milliseconds since the epoch, from an injected {@link Clock}; never from `Date.now()` in pure code. */
export type Instant = number & { readonly __brand: 'Instant' };

/** Derived from a step's content, so the same plan has the same ids. */
export type StepId = string & { readonly __brand: 'StepId' };

/** Lower-case hexadecimal SHA-256. */
export type Sha256 = string & { readonly __brand: 'Sha256' };

/** Anything that survives `JSON.parse(JSON.stringify(x))` unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const asAddress = (text: string): Address => text as Address;
export const asInstant = (ms: number): Instant => ms as Instant;
export const asSha256 = (hex: string): Sha256 => hex as Sha256;

/** Ends a `switch` over a union: the compiler proves that it is not reached; at run time it is a bug. */
export function unreachable(value: never): never {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`);
}
