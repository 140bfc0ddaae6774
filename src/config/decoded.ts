/** What decoding gives, with types that follow from the schema. */

import type { Span } from '../hcl/eval/problem.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import type { Body, Label } from '../hcl/syntax/ast.ts';
import { checkLabels, type Header, headerSpan } from './items.ts';
import type { Place, Problems } from './problems.ts';
import type { ArgumentValues, BlockShape, NestedBlocks, PlainShape, VariantShape } from './schema/shape.ts';

/** A block as it stands in the file, or as a `dynamic` block made it. */
interface WrittenBlock extends Header {
  readonly body: Body;
}

/** The same with the names its expressions may use. It holds no more than these two: there is one for each host. */
export class ExpandedBlock {
  readonly scope: Scope;
  readonly #written: WrittenBlock;

  constructor(written: WrittenBlock, scope: Scope) {
    this.#written = written;
    this.scope = scope;
  }

  get type(): string {
    return this.#written.type;
  }

  get labels(): readonly BlockLabel[] {
    return this.#written.labels;
  }

  get header(): Span {
    return headerSpan(this.#written);
  }

  get body(): Body {
    return this.#written.body;
  }

  /** The same block for other names. */
  within(scope: Scope): ExpandedBlock {
    return new ExpandedBlock(this.#written, scope);
  }

  /** Whether the labels are as the shape says; what is wrong with them is reported. */
  checkLabels(shape: BlockShape, problems: Problems): boolean {
    return checkLabels(this.#written, shape, this.scope.source, problems);
  }
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
