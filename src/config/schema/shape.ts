/**
 * The form in which the language's blocks are described. A description is data: decoding is driven by it, the
 * reference in docs/language.md is written from it, and the types of what decoding gives follow from it.
 *
 *     BlockShape ── labels
 *       ├─ plain     one set of contents
 *       └─ variants  the first label chooses among several: process "systemd", health "http"
 *     Contents ── arguments, blocks, and blocks that are evaluated once for each instance
 */
import { bool, number, string, type Value } from '../../hcl/eval/values.ts';
import { isRefusal, type Refusal } from '../quantities.ts';

/** How the value of an argument is read. */
export interface ArgumentType<T> {
  /** As the reference names it: `duration`, `list of hosts`. */
  readonly name: string;
  /** Completes "must be ...": `a duration such as "30s"`. */
  readonly wants: string;
  /** How a value is written in the reference, where that is not plain. */
  readonly example?: string;
  /**
   * `value`: evaluated, then read by `decode`. `literal`: may not refer to anything. `raw`: evaluated by the one who
   * reads the block. `static`: never evaluated, such as a type.
   */
  readonly evaluation: 'value' | 'literal' | 'raw' | 'static';
  /** `secrets`: takes a whole `secret.x`; without it a marked value is refused before `decode` sees it. */
  readonly accepts?: 'secrets';
  /**
   * Whether enough of the value is known for `decode`. Without it, all of it must be: which block is meant is known
   * before the artifact of a release is read, or the address of a host.
   */
  isKnown?(value: Value): boolean;
  /** The value is known, not null and carries no marks, except as `accepts` says. */
  decode(value: Value): T | Refusal;
}

export type Presence = 'required' | 'optional' | 'default';

export interface Argument<T, P extends Presence = Presence> {
  readonly type: ArgumentType<T>;
  readonly presence: P;
  readonly description: string;
  /** What applies when it is left out, as the reference says it. */
  readonly otherwise?: string;
  /** The default as a value; present exactly when `presence` is `default`. */
  readonly fallback?: { readonly value: T };
}

export type Arguments = Readonly<Record<string, Argument<unknown>>>;

/** How often a block may stand in its parent. */
export interface NestedBlock<S extends BlockShape = BlockShape> {
  readonly shape: S;
  readonly min: number;
  /** undefined: any number. */
  readonly max: number | undefined;
  /** Of the blocks with equal labels only one may exist. */
  readonly unique?: boolean;
}

export type NestedBlocks = Readonly<Record<string, NestedBlock>>;

export interface Contents {
  readonly arguments: Arguments;
  readonly blocks?: NestedBlocks;
  /** Blocks whose expressions know `slot`, `host` and `release`; decoded once for each instance. */
  readonly perInstance?: NestedBlocks;
  /** Arguments with names of the user's own are taken as well (`locals`, `module`). */
  readonly freeArguments?: string;
}

export interface LabelShape {
  readonly name: string;
  readonly description: string;
  /** `identifier`: must be writable in a reference. `word`: letters, digits, `-`, `_` and `.`. */
  readonly form: 'identifier' | 'word';
}

interface ShapeCommon {
  readonly description: string;
  /** `count` and `for_each` are allowed. */
  readonly repeatable?: boolean;
  readonly later?: boolean;
  /** One short configuration for the reference. */
  readonly example?: string;
}

export interface PlainShape extends ShapeCommon, Contents {
  readonly labels: readonly LabelShape[];
}

export interface Variant extends Contents {
  readonly description: string;
  readonly later?: boolean;
}

export interface VariantShape extends ShapeCommon {
  /** The label that chooses; other labels follow it. */
  readonly kindLabel: string;
  readonly labels: readonly LabelShape[];
  readonly variants: Readonly<Record<string, Variant>>;
  /** Kinds that people look for here, and what to tell them. */
  readonly otherKinds?: Readonly<Record<string, string>>;
}

export type BlockShape = PlainShape | VariantShape;

export const hasVariants = (shape: BlockShape): shape is VariantShape => 'variants' in shape;

// ── what decoding gives ────────────────────────────────────────────────────────────────────────────

type ArgumentValue<A> =
  A extends Argument<infer T, infer P> ? (P extends 'optional' ? T | undefined : T) : never;

export type ArgumentValues<A> = { readonly [K in keyof A]: ArgumentValue<A[K]> };

// ── writing shapes ─────────────────────────────────────────────────────────────────────────────────

export const required = <T>(type: ArgumentType<T>, description: string): Argument<T, 'required'> => ({
  type,
  presence: 'required',
  description,
});

/** `otherwise` says what applies when it is left out: "the service's name". */
export const optional = <T>(
  type: ArgumentType<T>,
  description: string,
  otherwise?: string,
): Argument<T, 'optional'> => ({
  type,
  presence: 'optional',
  description,
  ...(otherwise === undefined ? {} : { otherwise }),
});

/** `written` is the default as one would write it: its value is read by the type itself, so the two cannot differ. */
export function defaulted<T>(
  type: ArgumentType<T>,
  written: string | number | boolean,
  description: string,
): Argument<T, 'default'> {
  const text = JSON.stringify(written);
  const value = type.decode(
    typeof written === 'string'
      ? string(written)
      : typeof written === 'number'
        ? number(written)
        : bool(written),
  );
  if (isRefusal(value)) throw new Error(`a default that its own type refuses: ${text}`);
  return { type, presence: 'default', description, otherwise: text, fallback: { value } };
}

export const one = <S extends BlockShape>(shape: S): NestedBlock<S> => ({ shape, min: 1, max: 1 });
export const atMostOne = <S extends BlockShape>(shape: S): NestedBlock<S> => ({ shape, min: 0, max: 1 });
export const any = <S extends BlockShape>(shape: S): NestedBlock<S> => ({ shape, min: 0, max: undefined });
export const oneOrMore = <S extends BlockShape>(shape: S): NestedBlock<S> => ({
  shape,
  min: 1,
  max: undefined,
});
