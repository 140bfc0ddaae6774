import type { ConversionFailure } from './conversion.ts';
import type { Scope } from './scope.ts';
import type { Value } from './values.ts';
import { marksWithin } from './values.ts';

/**
 * Why a value could not be converted, as it may be shown: the names of attributes and keys in the reason may be
 * sensitive themselves, when the value is or when it was taken out of one that is.
 */
export function discreetReason(failure: ConversionFailure, value: Value, scope?: Scope): string {
  const isSensitive = marksWithin(value).size > 0 || scope?.isHidden === true;
  return isSensitive && failure.message.includes('"') ? 'a part of it has the wrong type' : failure.message;
}
