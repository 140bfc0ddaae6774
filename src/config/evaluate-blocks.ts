/** Evaluates the blocks that declare things: secret, ssh, host, load_balancer, release, service, policy, hook, deployctl. */

import { quote } from '../hcl/eval/quote.ts';
import { STRING } from '../hcl/eval/types.ts';
import { list, map, number, objectOf, string, UNKNOWN, type Value } from '../hcl/eval/values.ts';
import {
  type Address,
  type ArtifactDeclared,
  asAddress,
  type Diagnostic,
  UNREAD_SHA256,
} from '../model/index.ts';
import { checkInstanceBlocks } from './assemble-instances.ts';
import { decodeBlock } from './decode.ts';
import { type Decoded, ExpandedBlock } from './decoded.ts';
import { checkPreconditions, type DecodedRule, type EvaluationContext } from './evaluate-values.ts';
import { Reporter } from './evaluation.ts';
import { type BlockItem, isWord, nameSpan } from './items.ts';
import { collect, ItemRoots, Later, type ModuleInstance } from './modules.ts';
import { placeOf } from './problems.ts';
import { type Repetition, repetitionKind, repetitionsOf } from './repetition.ts';
import type { balancerShape } from './schema/balancers.ts';
import { deployctlShape, movedShape, policyShape } from './schema/language.ts';
import { dnsZoneShape, hostShape, secretShape, sshShape } from './schema/reaching.ts';
import { releaseShape, runHookShape, serviceShape } from './schema/running.ts';
import type { BlockShape } from './schema/shape.ts';
import { secretToken } from './schema/types/secrets.ts';
import { Entry } from './world.ts';

export interface BlockContext extends EvaluationContext {
  readonly balancers: ReturnType<typeof balancerShape>;
  /** The artifact of a release; undefined when artifacts are not read. */
  readonly readArtifact:
    | ((location: string, wanted: { readonly sha256?: string }) => Promise<ArtifactDeclared | Diagnostic>)
    | undefined;
  /** A path as written, made absolute: `~/` is the user's home, anything relative starts at the environment's folder. */
  absolutePath(path: string): string;
}

/** Evaluates a block that has no value of its own to wait for. */
export function evaluateBlock(
  item: BlockItem,
  instance: ModuleInstance,
  cx: BlockContext,
): Promise<void> | undefined {
  const { world, report } = cx;
  switch (item.type) {
    case 'secret': {
      const known = world.secrets.length;
      repeated(item, instance, secretShape, cx, secretValue, world.secrets);
      for (const entry of world.secrets.slice(known)) checkSecret(entry, report);
      return undefined;
    }
    case 'ssh':
      return repeated(item, instance, sshShape, cx, sshValue, world.ssh);
    case 'host':
      return repeated(item, instance, hostShape, cx, hostValue, world.hosts);
    case 'load_balancer':
      return repeated(item, instance, cx.balancers, cx, balancerValue, world.balancers);
    case 'dns_zone':
      return repeated(item, instance, dnsZoneShape, cx, zoneValue, world.zones);
    case 'service':
      return repeated(item, instance, serviceShape, cx, serviceValue, world.services);
    case 'release':
      return evaluateRelease(item, instance, cx);
    case 'policy':
      return single(item, instance, policyShape, cx, world.policies);
    case 'hook':
      return single(item, instance, runHookShape, cx, world.hooks);
    case 'deployctl':
      return single(item, instance, deployctlShape, cx, world.settings);
    case 'moved':
      return single(item, instance, movedShape, cx, world.moves);
    default:
      throw new Error(`no evaluation for ${item.type} blocks`);
  }
}

function single<S extends BlockShape>(
  item: BlockItem,
  instance: ModuleInstance,
  shape: S,
  cx: BlockContext,
  found: { readonly item: BlockItem; readonly decoded: Decoded<S> }[],
): undefined {
  const scope = cx.scope(item.source, instance.roots);
  const decoded = decodeBlock(new ExpandedBlock(item.block, scope), shape, cx.report);
  if (decoded === undefined) {
    cx.world.lose(item.type);
    return undefined;
  }
  checkPreconditions(rulesOf(decoded), scope, 'Precondition failed', cx.report);
  found.push({ item, decoded });
  return undefined;
}

/** The preconditions of a block, if its shape has any. */
const rulesOf = ({ blocks }: { readonly blocks: object }): readonly DecodedRule[] =>
  (blocks as { readonly precondition?: readonly DecodedRule[] }).precondition ?? [];

/** Evaluates every repetition of a block, and keeps what references to it will find. */
function repeated<S extends BlockShape>(
  item: BlockItem,
  instance: ModuleInstance,
  shape: S,
  cx: BlockContext,
  describe: (entry: Entry<S>) => Value,
  found: Entry<S>[],
): undefined {
  const entries = entriesOf(item, instance, shape, cx);
  if (entries === undefined) return undefined;
  for (const { entry } of entries) if (entry !== undefined) found.push(entry);
  instance.values.set(item, new BlockValue(item, entries, describe));
  return undefined;
}

/** What references to a block find: all its repetitions, described. */
class BlockValue<S> extends Later {
  readonly #item: BlockItem;
  readonly #entries: readonly Repeated<S>[];
  readonly #describe: (entry: Entry<S>) => Value;

  constructor(item: BlockItem, entries: readonly Repeated<S>[], describe: (entry: Entry<S>) => Value) {
    super();
    this.#item = item;
    this.#entries = entries;
    this.#describe = describe;
  }

  override make(): Value {
    const describe = this.#describe;
    const values = this.#entries.map(
      ({ key, entry }) => [key, entry === undefined ? UNKNOWN : describe(entry)] as const,
    );
    return collect(repetitionKind(this.#item.block), values);
  }
}

/** What one repetition of a block is; `entry` is undefined where it could not be read. */
class Repeated<S> {
  readonly key: Repetition['key'];
  readonly entry: Entry<S> | undefined;

  constructor(key: Repetition['key'], entry: Entry<S> | undefined) {
    this.key = key;
    this.entry = entry;
  }
}

function entriesOf<S extends BlockShape>(
  item: BlockItem,
  instance: ModuleInstance,
  shape: S,
  cx: BlockContext,
): readonly Repeated<S>[] | undefined {
  const { report } = cx;
  const repetitions = repetitionsOf(item.block, cx.scope(item.source, instance.roots), report);
  if (repetitions === undefined || repetitions.length === 0) {
    // What is written in it is checked all the same.
    const scope = cx.scope(item.source, instance.roots);
    decodeBlock(new ExpandedBlock(item.block, scope), shape, new Reporter(report.problems, []).forInstances);
    if (repetitions === undefined) {
      cx.world.lose(item.type);
      return undefined;
    }
  }
  // Nearly all blocks stand once, and there may be thousands: the list is kept, and has room for no more than it holds.
  const entries = new Array<Repeated<S>>(repetitions.length);
  let at = 0;
  for (const repetition of repetitions) entries[at++] = entryOf(repetition, item, instance, shape, cx);
  return entries;
}

function entryOf<S extends BlockShape>(
  repetition: Repetition,
  item: BlockItem,
  instance: ModuleInstance,
  shape: S,
  cx: BlockContext,
): Repeated<S> {
  const { report, world } = cx;
  const roots = repetition.key === undefined ? instance.roots : new ItemRoots(instance, repetition);
  const scope = cx.scope(item.source, roots);
  const decoded = decodeBlock(new ExpandedBlock(item.block, scope), shape, report);
  if (decoded === undefined) {
    const inner = item.type === 'service' ? item.block.body.blocks : [];
    checkInstanceBlocks(
      inner.map((each) => new ExpandedBlock(each, scope)),
      { instance, repetition },
      report,
    );
    world.lose(item.type);
    return new Repeated<S>(repetition.key, undefined);
  }
  if (!decoded.complete) world.incomplete = true;
  checkPreconditions(rulesOf(decoded), scope, 'Precondition failed', report);
  const address: Address = asAddress(instance.address(item.key, repetition));
  const name = nameOfEntry(item, instance, repetition);
  if (repetition.key !== undefined) checkName(name, item, report);
  return new Repeated(repetition.key, new Entry<S>(address, name, decoded, instance, repetition));
}

/** Keys become names of pools' members, units and folders; labels were checked where they stand. */
function checkName(name: string, item: BlockItem, report: Reporter): void {
  if (isWord(name)) return;
  const forEach = item.block.body.attributes.find((attribute) => attribute.name === 'for_each');
  report.error(placeOf(item.source, forEach?.value ?? nameSpan(item)), {
    code: 'invalid-name',
    summary: 'Invalid name',
    detail: `The ${item.type} would be called ${quote(name)}. Names may contain only letters, digits, dots, underscores, and dashes, and at most 64 of them.`,
    hint: forEach === undefined ? undefined : 'The keys of for_each become names: choose other keys.',
  });
}

/** A host of a group is called by its key; anything else by its label and its key. */
function nameOfEntry(item: BlockItem, instance: ModuleInstance, { key }: Repetition): string {
  if (key === undefined) return item.name + instance.suffix;
  const own = item.type === 'host' && typeof key === 'string' ? key : `${item.name}-${key}`;
  return own + instance.suffix;
}

function checkSecret(entry: Entry<typeof secretShape>, report: Reporter): void {
  const { decoded } = entry;
  const given = ['env', 'file', 'command'].filter((name) => decoded.has(name));
  if (given.length === 1 || !decoded.sound) return;
  report.error(given.length === 0 ? decoded.place : decoded.at(given[1] ?? ''), {
    code: 'secret-source',
    summary: given.length === 0 ? 'Missing required argument' : 'Invalid combination of arguments',
    detail:
      given.length === 0
        ? 'A secret needs one of the arguments "env", "file" and "command", which say where it is read.'
        : `Only one of "env", "file" and "command" can be set: ${given.map((name) => `"${name}"`).join(' and ')} are.`,
  });
}

// What references find. The attributes stand in their order, so that nothing has to be sorted.

const secretValue = ({ address }: Entry<typeof secretShape>): Value =>
  secretToken(address.replace(/(^|\.)secret\./, '$1'));

const sshValue = ({ address, name }: Entry<typeof sshShape>): Value =>
  objectOf({ name: string(name), reference: string(address) });

const balancerValue = ({ address, name, decoded }: Entry<ReturnType<typeof balancerShape>>): Value =>
  objectOf({
    hosts: list(decoded.args.hosts.map(string), STRING),
    name: string(name),
    reference: string(address),
    type: string(decoded.kind),
  });

const zoneValue = ({ address, name, decoded }: Entry<typeof dnsZoneShape>): Value =>
  objectOf({ name: string(name), reference: string(address), zone: string(decoded.args.zone) });

function hostValue({ address, name, decoded }: Entry<typeof hostShape>): Value {
  const { args } = decoded;
  const own = args.address ?? (args.connection === 'local' ? '127.0.0.1' : undefined);
  const labels = new Map(Object.entries(args.labels ?? {}).map(([key, text]) => [key, string(text)]));
  return objectOf({
    address: own === undefined ? UNKNOWN : string(own),
    connection: string(args.connection),
    labels: map(labels, STRING),
    name: string(name),
    network_address: own === undefined ? UNKNOWN : string(args.network_address ?? own),
    reference: string(address),
  });
}

function serviceValue({ address, name, decoded }: Entry<typeof serviceShape>): Value {
  const slots = decoded.blocks.slot.map((slot): [string, Value] => [
    slot.labels[0] ?? '',
    objectOf({
      hosts: list(slot.args.hosts.map(string), STRING),
      name: string(slot.labels[0] ?? ''),
      port: slot.args.port === undefined ? UNKNOWN : number(slot.args.port),
    }),
  ]);
  return objectOf({
    name: string(name),
    reference: string(address),
    release: string(decoded.args.release),
    slots: objectOf(Object.fromEntries(slots)),
  });
}

// ── releases ───────────────────────────────────────────────────────────────────────────────────────

export const isUrl = (location: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(location);

async function evaluateRelease(item: BlockItem, instance: ModuleInstance, cx: BlockContext): Promise<void> {
  const { world } = cx;
  const entries = entriesOf(item, instance, releaseShape, cx);
  if (entries === undefined) return;
  const values: [Repetition['key'], Value][] = [];
  for (const { key, entry } of entries) {
    if (entry === undefined) {
      values.push([key, UNKNOWN]);
      continue;
    }
    const artifact = await readArtifact(entry, cx);
    world.releases.push({ ...entry, artifact });
    const { args } = entry.decoded;
    const read = artifact?.sha256 === UNREAD_SHA256 ? undefined : artifact?.sha256;
    const sha256 = read ?? args.sha256;
    values.push([
      key,
      objectOf({
        artifact: string(args.artifact),
        name: string(entry.name),
        notes: string(args.notes ?? ''),
        reference: string(entry.address),
        sha256: sha256 === undefined ? UNKNOWN : string(sha256),
        version: string(args.version),
      }),
    ]);
    if (artifact === undefined && cx.readArtifact !== undefined) world.incomplete = true;
  }
  instance.values.set(item, collect(repetitionKind(item.block), values));
}

async function readArtifact(
  { decoded }: Entry<typeof releaseShape>,
  cx: BlockContext,
): Promise<ArtifactDeclared | undefined> {
  const { artifact: location, sha256 } = decoded.args;
  const place = decoded.at('artifact');
  if (isUrl(location) && sha256 === undefined) {
    if (decoded.sound) {
      cx.report.error(decoded.place, {
        code: 'release-needs-sha256',
        summary: 'Missing required argument',
        detail:
          'The argument "sha256" is required for an artifact that is a URL: without it nobody would know if what is there is what was meant.',
        hint: 'Take it from where the artifact was built, or from: curl -sL URL | sha256sum',
      });
    }
    return undefined;
  }
  if (cx.readArtifact === undefined || !decoded.sound) return undefined;
  const absolute = isUrl(location) ? location : cx.absolutePath(location);
  const found = await cx.readArtifact(absolute, sha256 === undefined ? {} : { sha256 });
  if ('sha256' in found) return found;
  const subject = place.source.rangeOf(place.span);
  cx.report.problems.add({ ...found, subject: found.subject ?? subject });
  return undefined;
}
