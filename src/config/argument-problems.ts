/** What is said about arguments: those that do not exist, are missing, or have a value that does not fit. */
import type { Problem } from '../hcl/eval/problem.ts';
import { quote } from '../hcl/eval/quote.ts';
import type { Scope } from '../hcl/eval/scope.ts';
import { nearestName } from '../hcl/eval/suggestion.ts';
import type { Expression } from '../hcl/syntax/ast.ts';
import type { ExpandedBlock } from './decoded.ts';
import type { Reporter } from './evaluation.ts';
import { aOrAn } from './items.ts';
import { placeOf, type Wording } from './problems.ts';
import type { Refusal } from './quantities.ts';
import { type Argument, type BlockShape, type Contents, hasVariants } from './schema/shape.ts';

export const notYet = (what: string, several: boolean): Wording => ({
  code: 'unsupported-yet',
  summary: 'Not supported by this version',
  detail: `${what} ${several ? 'are' : 'is'} part of the language, but this version of deployctl cannot act on ${several ? 'them' : 'it'} yet.`,
  hint: 'Remove it to go on. It is refused rather than ignored, since ignoring it would deploy something else than what is written.',
});

export const NO_NAMES: ReadonlySet<string> = new Set();

/** Reports arguments that do not exist, and gives the names that they probably stand for. */
export function checkArguments(
  block: ExpandedBlock,
  shape: BlockShape,
  contents: Contents,
  report: Reporter,
): ReadonlySet<string> {
  const { source } = block.scope;
  let misnamed: Set<string> | undefined;
  for (const attribute of block.body.attributes) {
    if (Object.hasOwn(contents.arguments, attribute.name)) continue;
    const meta = attribute.name === 'count' || attribute.name === 'for_each';
    if ((meta && shape.repeatable) || contents.freeArguments !== undefined) continue;
    const { meant, ...wording } = unsupportedArgument(attribute.name, block, shape, contents);
    misnamed ??= new Set();
    misnamed.add(meant ?? attribute.name);
    report.error(placeOf(source, { start: attribute.start, end: attribute.nameEnd }), {
      code: 'unsupported-argument',
      summary: 'Unsupported argument',
      ...wording,
    });
  }
  return misnamed ?? NO_NAMES;
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

export const missingArgument = (name: string, argument: Argument<unknown>): Wording => ({
  code: 'missing-argument',
  summary: 'Missing required argument',
  detail: `The argument "${name}" is required, but no definition was found.`,
  hint: `${name}: ${uncapitalized(argument.description)}`,
});

/** A description as the rest of a line; the reference's marks for code are not for terminals. */
export const uncapitalized = (sentence: string): string => {
  const plain = sentence.replaceAll('`', '');
  return /^[A-Z](?=[a-z ])/.test(plain) ? plain.charAt(0).toLowerCase() + plain.slice(1) : plain;
};

export function reportRefusal(
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
