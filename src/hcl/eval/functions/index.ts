import { COLLECTION_FUNCTIONS } from './collection.ts';
import { CONVERSION_FUNCTIONS } from './conversion.ts';
import { DATE_FUNCTIONS } from './date.ts';
import type { FunctionDefinition } from './definition.ts';
import { ENCODING_FUNCTIONS } from './encoding.ts';
import { FILESYSTEM_FUNCTIONS } from './filesystem.ts';
import { FORMAT_FUNCTIONS } from './format.ts';
import { HASH_FUNCTIONS } from './hash.ts';
import { MAPPING_FUNCTIONS } from './mapping.ts';
import { NETWORK_FUNCTIONS } from './network.ts';
import { NUMERIC_FUNCTIONS } from './numeric.ts';
import { REGEX_FUNCTIONS } from './regex.ts';
import { SEQUENCE_FUNCTIONS } from './sequence.ts';
import { SET_FUNCTIONS } from './set.ts';
import { STRING_FUNCTIONS } from './string.ts';

const all = [
  COLLECTION_FUNCTIONS,
  CONVERSION_FUNCTIONS,
  DATE_FUNCTIONS,
  ENCODING_FUNCTIONS,
  FILESYSTEM_FUNCTIONS,
  FORMAT_FUNCTIONS,
  HASH_FUNCTIONS,
  MAPPING_FUNCTIONS,
  NETWORK_FUNCTIONS,
  NUMERIC_FUNCTIONS,
  REGEX_FUNCTIONS,
  SEQUENCE_FUNCTIONS,
  SET_FUNCTIONS,
  STRING_FUNCTIONS,
].flat();

/** Every function of the language by its name, in alphabetical order: those of Terraform 1.11 without providers. */
export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  all.sort((a, b) => (a.name < b.name ? -1 : 1)).map((f) => [f.name, f]),
);
