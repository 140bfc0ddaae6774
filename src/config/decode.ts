/** Reads a block as its shape says. Everything that does not fit is reported; what fits is given, with types. */

import type { Scope } from '../hcl/eval/scope.ts';
import { isWhollyKnown, marksWithin, type Value } from '../hcl/eval/values.ts';
import type { Attribute, Body, Expression } from '../hcl/syntax/ast.ts';
import {
  checkArguments,
  missingArgument,
  NO_NAMES,
  notYet,
  partOf,
  reportRefusal,
} from './argument-problems.ts';
import { contentsOf } from './block-references.ts';
import { type NestedResult, planOf } from './contents-plan.ts';
import { type DecodeInner, decodeNested } from './decode-nested.ts';
import type { Decoded, ExpandedBlock } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import { own } from './own.ts';
import { type Place, placeOf } from './problems.ts';
import { isRefusal } from './quantities.ts';
import { type Argument, type BlockShape, hasVariants } from './schema/shape.ts';
import { secretMarkOf } from './schema/types/secrets.ts';

/** What an argument that is wrong is read as. */
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

  const plan = planOf(contents);
  const args: Record<string, unknown> = { ...plan.defaults };
  let strangers = 0;
  let sound = true;
  let usable = true;
  for (const { name, value } of block.body.attributes) {
    const argument = plan.arguments.get(name);
    if (argument === undefined) {
      strangers++;
      continue;
    }
    const read = readArgument(name, argument, value, block.scope, report);
    if (read === UNSOUND) {
      sound = false;
      if (argument.presence === 'required') usable = false;
    } else if (read !== undefined) {
      args[name] = read;
    }
  }
  const misnamed = strangers === 0 ? NO_NAMES : checkArguments(block, shape, contents, report);
  if (misnamed.size > 0) sound = false;
  for (const [name, argument] of plan.required) {
    if (attributeOf(block.body, name) !== undefined) continue;
    sound = false;
    usable = false;
    // One that is there under another name was told already.
    if (misnamed.has(name)) continue;
    report.error(placeOf(block.scope.source, block.header), missingArgument(name, argument));
  }

  const nested = decodeNested(block, contents, plan, misnamed, decodeInner, report);
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

/**
 * The argument's value by its type; undefined where it is null and may be left out. UNSOUND: there is none, which is
 * reported.
 */
function readArgument(
  name: string,
  argument: Argument<unknown>,
  written: Expression,
  scope: Scope,
  report: Reporter,
): unknown {
  const { type } = argument;
  if (type.evaluation === 'raw' || type.evaluation === 'static') return written;
  const value =
    type.evaluation === 'literal'
      ? report.evaluateLiteral(written, scope.source, `"${name}" is read before anything is evaluated.`)
      : report.evaluate(written, scope);
  if (value === undefined) return UNSOUND;
  if (!(type.isKnown?.(value) ?? isWhollyKnown(value))) {
    report.unknown(placeOf(scope.source, written), name);
    return UNSOUND;
  }
  if (value.kind === 'null' && type.name !== 'any') {
    if (argument.presence !== 'required') return undefined;
    report.error(placeOf(scope.source, written), missingArgument(name, argument));
    return UNSOUND;
  }
  if (marksWithin(value).size > 0 && !mayBeMarked(value, name, type.accepts, written, scope, report))
    return UNSOUND;
  const result = type.decode(value);
  if (isRefusal(result)) {
    reportRefusal(result, name, argument, written, scope, report);
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
