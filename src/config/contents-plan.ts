/** What follows from the contents of a block alone, worked out once: decoding a thousand hosts must not do it again for each. */
import type { ExpandedBlock } from './decoded.ts';
import type { Argument, Contents, NestedBlock } from './schema/shape.ts';

export interface NestedResult {
  /** Decoded, by type. */
  readonly blocks: Readonly<Record<string, readonly unknown[]>>;
  readonly perInstance: Readonly<Record<string, readonly ExpandedBlock[]>>;
  /** All that must be there is there, and could be read. */
  readonly complete: boolean;
}

export type NestedKinds = Readonly<Record<string, NestedBlock>>;

export interface ContentsPlan {
  readonly arguments: ReadonlyMap<string, Argument<unknown>>;
  /** The arguments that must be there. */
  readonly required: readonly (readonly [string, Argument<unknown>])[];
  /** Every argument with its default or undefined, in the order of the schema. A copy has room for what is written. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly kinds: NestedKinds;
  readonly needsBlocks: boolean;
  /** What a block without any nested block gives. */
  readonly none: NestedResult;
}

const plans = new WeakMap<Contents, ContentsPlan>();

export function planOf(contents: Contents): ContentsPlan {
  const known = plans.get(contents);
  if (known !== undefined) return known;
  const named = Object.entries(contents.arguments);
  const kinds: NestedKinds = { ...contents.blocks, ...contents.perInstance };
  const empty = (types: NestedKinds | undefined): Readonly<Record<string, readonly never[]>> =>
    Object.fromEntries(Object.keys(types ?? {}).map((type) => [type, []]));
  const plan = {
    arguments: new Map(named),
    required: named.filter(([, { presence }]) => presence === 'required'),
    defaults: Object.fromEntries(named.map(([name, { fallback }]) => [name, fallback?.value])),
    kinds,
    needsBlocks: Object.values(kinds).some(({ min }) => min > 0),
    none: { blocks: empty(contents.blocks), perInstance: empty(contents.perInstance), complete: true },
  };
  plans.set(contents, plan);
  return plan;
}
