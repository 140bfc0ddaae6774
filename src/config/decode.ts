/** Reads a block as its shape says. Everything that does not fit is reported; what fits is given, with types. */
import type { Problem } from '../hcl/eval/problem.ts';
import { quote } from '../hcl/eval/quote.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import { nearestName } from '../hcl/eval/suggestion.ts';
import { isWhollyKnown, marksWithin, type Value } from '../hcl/eval/values.ts';
import type { Attribute, Expression } from '../hcl/syntax/ast.ts';
import type { Decoded, ExpandedBlock } from './decoded.ts';
import { contentsOf } from './dependencies.ts';
import { expandBlocks } from './dynamic.ts';
import type { Reporter } from './evaluation.ts';
import { aOrAn, checkLabels, reportUnknownBlock } from './items.ts';
import { type Place, placeOf, type Wording } from './problems.ts';
import { isRefusal, type Refusal } from './quantities.ts';
import {
  type Argument,
  type BlockShape,
  type Contents,
  hasVariants,
  type NestedBlock,
} from './schema/shape.ts';
import { secretMarkOf } from './schema/types/secrets.ts';

type ArgumentResult = { readonly value: unknown; readonly sound: boolean };
const UNSOUND: ArgumentResult = { value: undefined, sound: false };

/**
 * The block with its arguments read and its nested blocks decoded. Undefined when a required argument is missing or
 * wrong, or its labels are; the reasons are reported. With unknown values (which are no error here) likewise.
 */
export function decodeBlock<S extends BlockShape>(
  block: ExpandedBlock,
  shape: S,
  report: Reporter,
): Decoded<S> | undefined {
  const { source } = block.scope;
  const place = placeOf(source, block.header);
  const kind = hasVariants(shape) ? block.labels[0]?.text : undefined;
  const contents = contentsOf(shape, kind);
  if (contents === undefined) return undefined;
  if (shape.later || (hasVariants(shape) && kind !== undefined && shape.variants[kind]?.later)) {
    const which = kind === undefined ? `${block.type} blocks` : `${block.type} "${kind}"`;
    report.error(place, notYet(which, kind === undefined));
  }
  const misnamed = checkArguments(block, shape, contents, report);

  const written = new Map(block.body.attributes.map((attribute) => [attribute.name, attribute]));
  const args: Record<string, unknown> = {};
  let sound = misnamed.size === 0;
  let usable = true;
  for (const [name, argument] of Object.entries(contents.arguments)) {
    const result = readArgument(name, argument, written.get(name), block, misnamed, report);
    args[name] = result.value ?? argument.fallback?.value;
    if (!result.sound) sound = false;
    if (argument.presence === 'required' && result.value === undefined) usable = false;
  }

  const { nested, perInstance, complete } = decodeNested(block, contents, misnamed, report);
  if (!usable) return undefined;
  const at = (name: string, ...path: readonly (string | number)[]): Place => {
    const attribute = written.get(name);
    return attribute === undefined ? place : placeOf(source, partOf(attribute.value, path));
  };
  const decoded = {
    ...(kind === undefined ? {} : { kind }),
    labels: block.labels.map((label) => label.text),
    place,
    scope: block.scope,
    sound,
    complete: sound && complete,
    at,
    has: (name: string) => written.has(name),
    args,
    blocks: nested,
    perInstance,
  };
  // The one place where the schema's types are believed: `args` has a value for each argument, read by its own type.
  return decoded as unknown as Decoded<S>;
}

export const notYet = (what: string, several: boolean): Wording => ({
  code: 'unsupported-yet',
  summary: 'Not supported by this version',
  detail: `${what} ${several ? 'are' : 'is'} part of the language, but this version of deployctl cannot act on ${several ? 'them' : 'it'} yet.`,
  hint: 'Remove it to go on. It is refused rather than ignored, since ignoring it would deploy something else than what is written.',
});

// ── arguments ──────────────────────────────────────────────────────────────────────────────────────

/** Reports arguments that do not exist, and gives the names that they probably stand for. */
function checkArguments(
  block: ExpandedBlock,
  shape: BlockShape,
  contents: Contents,
  report: Reporter,
): ReadonlySet<string> {
  const { source } = block.scope;
  const misnamed = new Set<string>();
  for (const attribute of block.body.attributes) {
    if (Object.hasOwn(contents.arguments, attribute.name)) continue;
    const meta = attribute.name === 'count' || attribute.name === 'for_each';
    if ((meta && shape.repeatable) || contents.freeArguments !== undefined) continue;
    const { meant, ...wording } = unsupportedArgument(attribute.name, block, shape, contents);
    misnamed.add(meant ?? attribute.name);
    report.error(placeOf(source, { start: attribute.start, end: attribute.nameEnd }), {
      code: 'unsupported-argument',
      summary: 'Unsupported argument',
      ...wording,
    });
  }
  return misnamed;
}

/** What users of other tools write: our word for it, or a sentence. */
const otherArguments: ReadonlyMap<string, string> = new Map([
  ['host.ip', 'address'],
  ['host.hostname', 'address'],
  ['host.tags', 'labels'],
  ['host.user', 'ssh'],
  ['service.name', 'The name is the label of the block.'],
  ['service.hosts', 'The hosts belong into the slot blocks.'],
  ['service.port', 'The port belongs into the slot blocks.'],
  ['service.replicas', 'A service has as many instances as its slots have hosts.'],
  ['process.cmd', 'command'],
  ['process.env', 'environment'],
  ['process.args', 'command'],
  ['hook.command', 'run'],
  ['hook.script', 'run'],
  ['health.url', 'path'],
  ['health.retries', 'passes'],
  ['health.expect', 'status'],
  ['release.path', 'artifact'],
  ['release.checksum', 'sha256'],
  ['release.source', 'artifact'],
  ['install.path', 'root'],
  ['ssh.key', 'identity_file'],
  ['ssh.private_key', 'identity_file'],
  ['ssh.bastion', 'jump'],
  ['ssh.proxy_jump', 'jump'],
  ['ssh.timeout', 'connect_timeout'],
  ['ssh.sudo', 'become'],
  ['strategy.rollback', 'on_failure'],
  ['strategy.wait', 'bake'],
]);

function unsupportedArgument(
  name: string,
  block: ExpandedBlock,
  shape: BlockShape,
  contents: Contents,
): { detail: string; hint?: string; meant?: string } {
  const detail = `An argument named "${name}" is not expected here.`;
  const nested = { ...contents.blocks, ...contents.perInstance };
  if (Object.hasOwn(nested, name)) {
    return {
      detail: `${detail} Did you mean to define a block of type "${name}"?`,
      hint: 'Blocks are written without an equals sign.',
    };
  }
  const meta = shape.repeatable ? ['count', 'for_each'] : [];
  const meant = nearestName(name, [...Object.keys(contents.arguments), ...meta]);
  if (meant !== undefined) return { detail: `${detail} Did you mean "${meant}"?`, meant };
  const other = otherArguments.get(`${block.type}.${name}`);
  if (other !== undefined) {
    return /^[a-z_]+$/.test(other)
      ? { detail, hint: `In deployctl this is called ${other}.`, meant: other }
      : { detail, hint: other };
  }
  if (hasVariants(shape)) {
    const kinds = Object.entries(shape.variants).flatMap(([kind, variant]) =>
      Object.hasOwn(variant.arguments, name) ? [`${block.type} "${kind}"`] : [],
    );
    if (kinds.length > 0) return { detail, hint: `It belongs to ${kinds.join(' and ')}.` };
  }
  for (const [type, { shape: inner }] of Object.entries(nested)) {
    const inside = hasVariants(inner) ? Object.values(inner.variants) : [inner];
    if (inside.some((variant) => Object.hasOwn(variant.arguments, name))) {
      return { detail, hint: `It belongs inside of ${aOrAn(type).toLowerCase()} block.` };
    }
  }
  if (name === 'count' || name === 'for_each') return { detail, hint: `${block.type} blocks do not repeat.` };
  const known = Object.keys(contents.arguments);
  return known.length === 0 ? { detail } : { detail, hint: `Expected here: ${known.join(', ')}.` };
}

function readArgument(
  name: string,
  argument: Argument<unknown>,
  attribute: Attribute | undefined,
  block: ExpandedBlock,
  misnamed: ReadonlySet<string>,
  report: Reporter,
): ArgumentResult {
  const { scope, header } = block;
  const isRequired = argument.presence === 'required';
  if (attribute === undefined) {
    // One that is there under another name was told already.
    if (isRequired && !misnamed.has(name)) {
      report.error(placeOf(scope.source, header), missingArgument(name, argument));
    }
    return { value: undefined, sound: !isRequired };
  }
  const { type } = argument;
  const place = placeOf(scope.source, attribute.value);
  if (argument.later)
    report.error(
      placeOf(scope.source, { start: attribute.start, end: attribute.nameEnd }),
      notYet(`The argument "${name}"`, false),
    );
  if (type.evaluation === 'raw' || type.evaluation === 'static')
    return { value: attribute.value, sound: true };
  const value =
    type.evaluation === 'literal'
      ? report.evaluateLiteral(
          attribute.value,
          scope.source,
          `"${name}" is read before anything is evaluated.`,
        )
      : report.evaluate(attribute.value, scope);
  if (value === undefined) return UNSOUND;
  if (!isWhollyKnown(value)) {
    report.unknown(place, name);
    return UNSOUND;
  }
  if (value.kind === 'null' && type.name !== 'any') {
    if (isRequired) report.error(place, missingArgument(name, argument));
    return { value: undefined, sound: !isRequired };
  }
  if (marksWithin(value).size > 0 && !mayBeMarked(value, name, type.accepts, attribute.value, scope, report))
    return UNSOUND;
  const result = type.decode(value);
  if (isRefusal(result)) {
    reportRefusal(result, name, argument, attribute.value, scope, report);
    return UNSOUND;
  }
  if (typeof result === 'string' && type.laterValues?.includes(result)) {
    report.error(place, notYet(`${name} = "${result}"`, false));
  }
  return { value: result, sound: true };
}

const missingArgument = (name: string, argument: Argument<unknown>): Wording => ({
  code: 'missing-argument',
  summary: 'Missing required argument',
  detail: `The argument "${name}" is required, but no definition was found.`,
  hint: `${name}: ${uncapitalized(argument.description)}`,
});

/** A description as the rest of a line; the reference's marks for code are not for terminals. */
const uncapitalized = (sentence: string): string => {
  const plain = sentence.replaceAll('`', '');
  return /^[A-Z](?=[a-z ])/.test(plain) ? plain.charAt(0).toLowerCase() + plain.slice(1) : plain;
};

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

function reportRefusal(
  refusal: Refusal,
  name: string,
  { type }: Argument<unknown>,
  expression: Expression,
  scope: Scope,
  report: Reporter,
): void {
  const { refused, hint, path = [] } = refusal;
  const part = path.map((step) => (typeof step === 'number' ? `item ${step + 1}` : quote(step))).join(', ');
  const subject = partOf(expression, path);
  const problem = (summary: string, detail: string): Problem => ({
    summary,
    detail,
    hint,
    subject,
    expression: subject,
    scope,
  });
  if (refusal.as !== undefined) {
    report.evaluation(problem(refusal.as.summary, refused), refusal.as.code);
  } else if (refusal.mismatch) {
    const detail = `Inappropriate value for attribute "${name}": it must be ${type.wants}, and ${part || 'this'} is ${refused}.`;
    report.evaluation(problem('Incorrect attribute value type', detail), 'wrong-type');
  } else {
    const where = part === '' ? '' : `In ${part}: `;
    const detail = `"${name}" must be ${type.wants}. ${where}${refused}`;
    report.evaluation(problem('Invalid value for argument', detail), 'invalid-value');
  }
}

/** The expression of a part of a value, as far as it is written out; otherwise the expression around it. */
export function partOf(expression: Expression, path: readonly (string | number)[]): Expression {
  const [step, ...rest] = path;
  if (step === undefined) return expression;
  if (expression.kind === 'parentheses') return partOf(expression.inner, path);
  let part: Expression | undefined;
  if (expression.kind === 'tuple' && typeof step === 'number') part = expression.items[step];
  if (expression.kind === 'object' && typeof step === 'string') {
    part = expression.items.find(
      ({ bareKey, key }) => (bareKey ?? (key.kind === 'string' ? key.value : undefined)) === step,
    )?.value;
  }
  return part === undefined ? expression : partOf(part, rest);
}

// ── nested blocks ──────────────────────────────────────────────────────────────────────────────────

function decodeNested(
  block: ExpandedBlock,
  contents: Contents,
  misnamed: ReadonlySet<string>,
  report: Reporter,
) {
  const nested: Record<string, unknown[]> = {};
  const perInstance: Record<string, ExpandedBlock[]> = {};
  const kinds: Readonly<Record<string, NestedBlock>> = { ...contents.blocks, ...contents.perInstance };
  for (const type of Object.keys(contents.blocks ?? {})) nested[type] = [];
  for (const type of Object.keys(contents.perInstance ?? {})) perInstance[type] = [];
  const { blocks, sound } = expandBlocks(block, kinds, report);
  let complete = sound;
  const firsts = new Map<string, ExpandedBlock>();
  const counts = new Map<string, number>();
  for (const inner of blocks) {
    const spec = kinds[inner.type];
    if (spec === undefined) {
      complete = false;
      unexpectedBlock(inner, contents, kinds, report);
      const meant = nearestName(inner.type, Object.keys(kinds));
      if (meant !== undefined) counts.set(meant, (counts.get(meant) ?? 0) + 1);
      continue;
    }
    if (!checkLabels(asHeader(inner), spec.shape, inner.scope.source, report.problems)) {
      complete = false;
      counts.set(inner.type, (counts.get(inner.type) ?? 0) + 1);
      continue;
    }
    const count = (counts.get(inner.type) ?? 0) + 1;
    counts.set(inner.type, count);
    const key = spec.unique
      ? JSON.stringify([inner.type, ...inner.labels.map((label) => label.text)])
      : inner.type;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, inner);
    else if (spec.unique || (spec.max !== undefined && count > spec.max)) {
      complete = false;
      duplicateBlock(inner, first, spec, report);
      continue;
    }
    if (perInstance[inner.type] !== undefined) {
      perInstance[inner.type]?.push(inner);
      continue;
    }
    const decoded = decodeBlock(inner, spec.shape, report) as { readonly complete: boolean } | undefined;
    if (decoded === undefined) complete = false;
    else {
      if (!decoded.complete) complete = false;
      nested[inner.type]?.push(decoded);
    }
  }
  if (sound) {
    for (const [type, spec] of Object.entries(kinds)) {
      if (spec.min === 0 || (counts.get(type) ?? 0) >= spec.min || misnamed.has(type)) continue;
      complete = false;
      report.error(placeOf(block.scope.source, block.header), {
        code: 'missing-block',
        summary: 'Missing required block',
        detail: `${aOrAn(block.type)} block needs ${spec.max === 1 ? quotedWithArticle(type) : `at least one "${type}"`} block, but no definition was found.`,
        hint: `${type}: ${uncapitalized(spec.shape.description)}${
          hasVariants(spec.shape) ? ` Write ${kindsOf(type, spec.shape.variants)}.` : ''
        }`,
      });
    }
  }
  return { nested, perInstance, complete };
}

const quotedWithArticle = (type: string): string => aOrAn(type).toLowerCase().replace(type, `"${type}"`);

const kindsOf = (type: string, variants: Readonly<Record<string, { readonly later?: boolean }>>): string =>
  Object.entries(variants)
    .filter(([, variant]) => !variant.later)
    .map(([kind]) => `${type} "${kind}"`)
    .join(' or ');

const asHeader = (block: ExpandedBlock) => ({
  type: block.type,
  labels: block.labels,
  start: block.header.start,
  headerEnd: block.header.end,
});

function unexpectedBlock(
  inner: ExpandedBlock,
  contents: Contents,
  kinds: Readonly<Record<string, NestedBlock>>,
  report: Reporter,
): void {
  const { source } = inner.scope;
  if (Object.hasOwn(contents.arguments, inner.type)) {
    report.error(placeOf(source, inner.header), {
      code: 'unsupported-block-type',
      summary: 'Unsupported block type',
      detail: `Blocks of type "${inner.type}" are not expected here. Did you mean to define argument "${inner.type}"? If so, use the equals sign to assign it a value.`,
    });
    return;
  }
  reportUnknownBlock(inner, source, Object.keys(kinds), 'here', report.problems);
}

function duplicateBlock(
  inner: ExpandedBlock,
  first: ExpandedBlock,
  spec: NestedBlock,
  report: Reporter,
): void {
  const at = first.scope.source.rangeOf(first.header);
  const position = `${at.file}:${at.start.line},${at.start.column}`;
  report.error(placeOf(inner.scope.source, inner.header), {
    code: 'duplicate-block',
    summary: `Duplicate ${inner.type} block`,
    detail: spec.unique
      ? `${aOrAn(inner.type)} named "${inner.labels.at(-1)?.text}" was already declared at ${position}.`
      : `Only one ${inner.type} block is allowed. Another was defined at ${position}.`,
  });
}
