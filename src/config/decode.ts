/** Reads a block as its shape says. Everything that does not fit is reported; what fits is given, with types. */

import type { Scope } from '../hcl/eval/scope.ts';
import { isWhollyKnown, marksWithin, type Value } from '../hcl/eval/values.ts';
import type { Attribute, Body, Expression } from '../hcl/syntax/ast.ts';
import { checkArguments, missingArgument, notYet, partOf, reportRefusal } from './argument-problems.ts';
import { contentsOf } from './block-references.ts';
import { type DecodeInner, decodeNested, type NestedResult } from './decode-nested.ts';
import type { Decoded, ExpandedBlock } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import { own } from './own.ts';
import { type Place, placeOf } from './problems.ts';
import { isRefusal } from './quantities.ts';
import { type Argument, type BlockShape, hasVariants } from './schema/shape.ts';
import { secretMarkOf } from './schema/types/secrets.ts';

/** What an argument that is wrong, or missing and required, is read as; one that may be left out is undefined then. */
const UNSOUND = Symbol('unsound');

/**
 * The block with its arguments read and its nested blocks decoded. Undefined when a required argument is missing or
 * wrong, or its labels are; the reasons are reported. With unknown values (which are no error here) likewise.
 */
export function decodeBlock<S extends BlockShape>(
  block: ExpandedBlock,
  shape: S,
  report: Reporter,
): Decoded<S> | undefined {
  const kind = hasVariants(shape) ? block.labels[0]?.text : undefined;
  const contents = contentsOf(shape, kind);
  if (contents === undefined) return undefined;
  if (shape.later || (hasVariants(shape) && kind !== undefined && own(shape.variants, kind)?.later)) {
    const which = kind === undefined ? `${block.type} blocks` : `${block.type} "${kind}"`;
    report.error(placeOf(block.scope.source, block.header), notYet(which, kind === undefined));
  }
  const misnamed = checkArguments(block, shape, contents, report);

  const args: Record<string, unknown> = {};
  let sound = misnamed.size === 0;
  let usable = true;
  for (const name in contents.arguments) {
    const argument = contents.arguments[name];
    if (argument === undefined) continue;
    const read = readArgument(name, argument, attributeOf(block.body, name), block, misnamed, report);
    const isSound = read !== UNSOUND;
    args[name] = (isSound ? read : undefined) ?? argument.fallback?.value;
    if (!isSound) sound = false;
    if (!isSound && argument.presence === 'required') usable = false;
  }

  const nested = decodeNested(block, contents, misnamed, decodeInner, report);
  if (!usable) return undefined;
  // The one place where the schema's types are believed: `args` has a value for each argument, read by its own type.
  return new ReadBlock(block, kind, args, nested, sound) as unknown as Decoded<S>;
}

const decodeInner: DecodeInner = (inner, shape, report) =>
  decodeBlock(inner, shape, report) as { readonly complete: boolean } | undefined;

/** What {@link Decoded} is at run time. */
class ReadBlock {
  readonly kind: string | undefined;
  readonly place: Place;
  readonly sound: boolean;
  readonly args: Readonly<Record<string, unknown>>;
  readonly #block: ExpandedBlock;
  readonly #nested: NestedResult;

  constructor(
    block: ExpandedBlock,
    kind: string | undefined,
    args: Readonly<Record<string, unknown>>,
    nested: NestedResult,
    sound: boolean,
  ) {
    this.kind = kind;
    this.place = placeOf(block.scope.source, block.header);
    this.sound = sound;
    this.args = args;
    this.#block = block;
    this.#nested = nested;
  }

  get labels(): readonly string[] {
    return this.#block.labels.map((label) => label.text);
  }

  get scope(): Scope {
    return this.#block.scope;
  }

  get complete(): boolean {
    return this.sound && this.#nested.complete;
  }

  get blocks(): NestedResult['blocks'] {
    return this.#nested.blocks;
  }

  get perInstance(): NestedResult['perInstance'] {
    return this.#nested.perInstance;
  }

  at(name: string, ...path: readonly (string | number)[]): Place {
    const attribute = attributeOf(this.#block.body, name);
    return attribute === undefined ? this.place : placeOf(this.scope.source, partOf(attribute.value, path));
  }

  has(name: string): boolean {
    return attributeOf(this.#block.body, name) !== undefined;
  }
}

function attributeOf(body: Body, name: string): Attribute | undefined {
  for (const attribute of body.attributes) if (attribute.name === name) return attribute;
  return undefined;
}

// ── arguments ──────────────────────────────────────────────────────────────────────────────────────

/** The argument's value by its type, or UNSOUND, which is reported. */
function readArgument(
  name: string,
  argument: Argument<unknown>,
  attribute: Attribute | undefined,
  block: ExpandedBlock,
  misnamed: ReadonlySet<string>,
  report: Reporter,
): unknown {
  const { scope } = block;
  const isRequired = argument.presence === 'required';
  if (attribute === undefined) {
    // One that is there under another name was told already.
    if (isRequired && !misnamed.has(name)) {
      report.error(placeOf(scope.source, block.header), missingArgument(name, argument));
    }
    return isRequired ? UNSOUND : undefined;
  }
  const { type } = argument;
  if (type.evaluation === 'raw' || type.evaluation === 'static') return attribute.value;
  const value =
    type.evaluation === 'literal'
      ? report.evaluateLiteral(
          attribute.value,
          scope.source,
          `"${name}" is read before anything is evaluated.`,
        )
      : report.evaluate(attribute.value, scope);
  if (value === undefined) return UNSOUND;
  if (!(type.isKnown?.(value) ?? isWhollyKnown(value))) {
    report.unknown(placeOf(scope.source, attribute.value), name);
    return UNSOUND;
  }
  if (value.kind === 'null' && type.name !== 'any') {
    if (isRequired) report.error(placeOf(scope.source, attribute.value), missingArgument(name, argument));
    return isRequired ? UNSOUND : undefined;
  }
  if (marksWithin(value).size > 0 && !mayBeMarked(value, name, type.accepts, attribute.value, scope, report))
    return UNSOUND;
  const result = type.decode(value);
  if (isRefusal(result)) {
    reportRefusal(result, name, argument, attribute.value, scope, report);
    return UNSOUND;
  }
  return result;
}

/** Whether a marked value may be used here; if not, that is reported without showing anything of it. */
function mayBeMarked(
  value: Value,
  name: string,
  accepts: 'secrets' | undefined,
  expression: Expression,
  scope: Scope,
  report: Reporter,
): boolean {
  // These types look at the marks themselves, part by part, as long as the whole is not marked.
  if (accepts === 'secrets' && (value.marks.size === 0 || secretMarkOf(value) !== undefined)) return true;
  const place = placeOf(scope.source, expression);
  const secret = secretMarkOf(value);
  if (secret !== undefined) {
    report.error(place, {
      code: 'secret-not-allowed',
      summary: 'Secret in a place that is shown',
      detail: `The value of "${name}" depends on ${secret}, and what is written there would be in the plan, the state and the logs.`,
      hint: 'Secrets can be values of environment in process and hook blocks, and the secret of a tsig block.',
    });
    return false;
  }
  report.error(place, {
    code: 'sensitive-in-plan',
    summary: 'Sensitive value in the plan',
    detail: `The value of "${name}" depends on a sensitive value, and would be written to the plan and the state.`,
    hint:
      accepts === 'secrets'
        ? 'Declare a secret block and refer to it: secret "token" { env = "TOKEN" }, then secret.token. It is read when it is used.'
        : 'Use a value that may be shown, or nonsensitive(...) if this one may.',
  });
  return false;
}
