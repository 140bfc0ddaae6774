/** What decoding gives, with types that follow from the schema. */

import type { Span } from '../hcl/eval/problem.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import type { Body, Label } from '../hcl/syntax/ast.ts';
import type { Place } from './problems.ts';
import type { ArgumentValues, NestedBlocks, PlainShape, VariantShape } from './schema/shape.ts';

/** A block as it stands in the file, or as a `dynamic` block made it, with the names its expressions may use. */
export interface ExpandedBlock {
  readonly type: string;
  readonly labels: readonly BlockLabel[];
  readonly header: Span;
  readonly body: Body;
  readonly scope: Scope;
}

/** A label and where it stands; a computed label stands where its expression does. */
export type BlockLabel = Pick<Label, 'text' | 'start' | 'end'>;

interface DecodedBase {
  readonly labels: readonly string[];
  /** The block's header. */
  readonly place: Place;
  /** Where its expressions are evaluated. */
  readonly scope: Scope;
  /** Every argument of its own could be read; one that could not has its default, or is undefined. */
  readonly sound: boolean;
  /** Sound, with all nested blocks there and complete. */
  readonly complete: boolean;
  /** Where the value of an argument stands, or a part of it by index and key; the header, when it is left out. */
  at(argument: string, ...path: readonly (string | number)[]): Place;
  /** Whether the argument is written in the block. */
  has(argument: string): boolean;
}

type BlocksOf<C> = C extends { readonly blocks: infer B extends NestedBlocks }
  ? { readonly [K in keyof B]: readonly Decoded<B[K]['shape']>[] }
  : Readonly<Record<never, never>>;

type PerInstanceOf<C> = C extends { readonly perInstance: infer B extends NestedBlocks }
  ? { readonly [K in keyof B]: readonly ExpandedBlock[] }
  : Readonly<Record<never, never>>;

export interface DecodedContents<C> {
  readonly args: C extends { readonly arguments: infer A } ? ArgumentValues<A> : never;
  readonly blocks: BlocksOf<C>;
  /** Not decoded yet: they need an instance. */
  readonly perInstance: PerInstanceOf<C>;
}

/** A variant shape gives a union, told apart by `kind`. */
export type Decoded<S> = S extends VariantShape
  ? {
      readonly [K in keyof S['variants'] & string]: DecodedBase & { readonly kind: K } & DecodedContents<
          S['variants'][K]
        >;
    }[keyof S['variants'] & string]
  : S extends PlainShape
    ? DecodedBase & DecodedContents<S>
    : never;
