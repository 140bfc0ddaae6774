/** All hosts as one provider: releases, symlinks, processes, health and hooks. */
import { hostname } from 'node:os';
import {
  type Address,
  asAddress,
  type Clock,
  type Context,
  type Declared,
  type Health,
  type HostDeclared,
  type Looks,
  type Operation,
  type Provider,
  ProviderFailure,
  type RecordedResource,
  type Standing,
  type Traits,
  unreachable,
  visible,
} from '../../model/index.ts';
import { type HostChannels, hostFailure, localChannel } from '../../transport/index.ts';
import { checkHosts } from './check.ts';
import { checkOnce, type ProcessWatch, type VerifyOperation, verifyHealth } from './health.ts';
import { aboutHook, type HookOperation, lookAtHookMark, performHook } from './hooks.ts';
import { KnownSecrets } from './known-secrets.ts';
import { unitName } from './layout.ts';
import { observeHosts } from './observe.ts';
import { checkNames } from './path-names.ts';
import { listeningOf, refuseTakenPort } from './port.ts';
import type { SeenRoot } from './probe-parse.ts';
import type { ProbeRoot } from './probe-render.ts';
import { type ProcessOperation, processLog, type ResolveSecret, runningOf, setRunning } from './processes.ts';
import { logExcerpt } from './refusals.ts';
import { Releases } from './releases.ts';
import { diagnosticOf, type HostSession, openSession, probe } from './session.ts';
import {
  type HostOperation,
  onlySlot,
  type RootOperation,
  recordedOf,
  SeenBefore,
  standingOf,
} from './standing.ts';

export interface HostProviderOptions {
  /** Reads a secret when it is used; throws a `ProviderFailure` if it cannot. */
  readonly resolveSecret: ResolveSecret;
  readonly clock: Clock;
  /** Absolute folder on this machine for the marks of hooks that run here. */
  readonly operatorFolder: string;
  /** Absolute folder on this machine where fetched artifacts lie, each under its digest; none: nothing is sent from URLs. */
  readonly artifactCache?: string;
  /** Of the state that is used, to tell another one's mark on a host. */
  readonly lineage?: string;
}

export interface HostProvider extends Provider {
  /** One check of one instance, now. Throws a `ProviderFailure` only if the host itself cannot be asked. */
  checkHealth(operation: VerifyOperation, signal: AbortSignal): Promise<Health>;
}

const hostOperations: ReadonlySet<string> = new Set<HostOperation['op']>([
  'release.put',
  'release.remove',
  'release.prune',
  'slot.link',
  'process.set',
  'health.verify',
  'hook.run',
]);

const traits: Traits = {
  switchCost: undefined,
  shareStepBasisPoints: undefined,
  drainsMembers: false,
  writesPools: false,
  countsRequests: false,
};

/** The channels stay the caller's: closing the provider leaves them open. */
export function openHostProvider(
  declared: Declared,
  channels: HostChannels,
  options: HostProviderOptions,
): HostProvider {
  return new Hosts(declared, channels, options);
}

class Hosts implements HostProvider {
  readonly name = 'host';
  readonly traits = traits;
  readonly #declared: Declared;
  readonly #hosts: Map<string, HostDeclared>;
  readonly #channels: HostChannels;
  readonly #options: HostProviderOptions;
  readonly #secrets: KnownSecrets;
  readonly #releases: Releases;
  readonly #operator: HostSession;

  constructor(declared: Declared, channels: HostChannels, options: HostProviderOptions) {
    this.#declared = declared;
    this.#hosts = new Map(declared.hosts.map((host) => [host.name, host]));
    this.#channels = channels;
    this.#secrets = new KnownSecrets(options.resolveSecret);
    this.#options = { ...options, resolveSecret: this.#secrets.resolve };
    this.#releases = new Releases(options.artifactCache);
    this.#operator = operatorSession(declared.folder);
  }

  observe(declared: Declared, signal: AbortSignal) {
    for (const host of declared.hosts) this.#hosts.set(host.name, host);
    const { clock, lineage } = this.#options;
    return observeHosts({
      declared,
      clock,
      signal,
      secrets: this.#secrets,
      lineage,
      open: (host) => this.#open(host, signal),
    });
  }

  check(declared: Declared, signal: AbortSignal) {
    return checkHosts({ declared, channels: this.#channels, clock: this.#options.clock, signal });
  }

  async look(operation: Operation, cx: Context): Promise<Standing> {
    try {
      return await this.#look(asHostOperation(operation), cx);
    } catch (error) {
      return { at: 'unknown', why: diagnosticOf(error) };
    }
  }

  async #look(operation: HostOperation, cx: Context): Promise<Standing> {
    if (operation.op === 'hook.run') {
      return lookAtHookMark(
        await this.#hookSession(operation, cx),
        operation,
        cx,
        this.#options.operatorFolder,
      );
    }
    const session = await this.#open(operation.place.host, cx.signal);
    const root = await this.#seenRoot(session, operation, cx.signal);
    return standingOf(session, operation, root, this.#options.resolveSecret);
  }

  async perform(operation: Operation, cx: Context, looks?: Looks): Promise<void> {
    const own = asHostOperation(operation);
    if (own.op === 'hook.run') {
      const session = await this.#hookSession(own, cx);
      const { operatorFolder } = this.#options;
      return performHook(session, own, cx, this.#secrets, operatorFolder).catch((error: unknown) => {
        throw aboutHook(error, this.#declared, own);
      });
    }
    const session = await this.#open(own.place.host, cx.signal);
    checkNames(session.declared, own);
    const root = await this.#change(session, own, cx, looks?.before);
    if (root === undefined || looks === undefined) return;
    const { resolveSecret } = this.#options;
    // A wait that has ended well has seen what it waited for.
    if (own.op === 'health.verify') {
      const recorded = await recordedOf(session, own, root, resolveSecret);
      if (!('why' in recorded)) looks.after([recorded]);
      return;
    }
    const standing = await standingOf(session, own, root, resolveSecret);
    if (standing.at === 'after' && standing.seen !== undefined) looks.after(standing.seen);
  }

  /** Gives what was seen after it, where that is known. */
  async #change(
    session: HostSession,
    own: RootOperation,
    cx: Context,
    before: Looks['before'],
  ): Promise<SeenRoot | undefined> {
    const look = this.#lookAt(own);
    switch (own.op) {
      case 'release.put':
        return this.#releases.put(session, own, look, cx);
      case 'release.remove':
        return this.#releases.remove(session, own.place, [own.directory], look, cx);
      case 'release.prune': {
        const directories = own.directories.map(({ directory }) => directory);
        return this.#releases.remove(session, own.place, directories, look, cx);
      }
      case 'slot.link':
        return this.#releases.link(session, own, look, cx);
      case 'process.set':
        return this.#setProcess(session, own, cx, before);
      case 'health.verify':
        return this.#verify(session, own, cx);
      default:
        return unreachable(own);
    }
  }

  async #setProcess(
    session: HostSession,
    operation: ProcessOperation,
    cx: Context,
    before: Looks['before'],
  ): Promise<SeenRoot | undefined> {
    const { resolveSecret } = this.#options;
    const look = async (): Promise<Standing> =>
      standingOf(session, operation, await this.#seenRoot(session, operation, cx.signal), resolveSecret);
    const standing = before?.note instanceof SeenBefore ? before : await look();
    if (standing.at === 'after') return undefined;
    if (standing.at === 'elsewhere') {
      throw hostFailure(session.declared, 'none', {
        code: 'process-changed-elsewhere',
        summary: 'Process was changed by someone else',
        detail: `${this.#unit(operation)} on ${session.declared.name} ${standing.seen}; the plan saw something else. It was left as it is.`,
        hint: 'Plan again.',
      });
    }
    if (standing.at === 'unknown' || !(standing.note instanceof SeenBefore))
      throw new Error('nobody has looked');
    const { running, process } = standing.note;
    const listening =
      operation.to === null ? undefined : listeningOf(this.#declared, session.declared, operation.instance);
    if (listening !== undefined && running.at === 'known' && running.running === null) {
      await refuseTakenPort(session, listening, this.#unit(operation), cx);
    }
    return setRunning(session, operation, process, this.#lookAt(operation), cx, this.#secrets);
  }

  /** Its last look, at the process whose check has passed, is what it has seen. */
  async #verify(
    session: HostSession,
    operation: VerifyOperation,
    cx: Context,
  ): Promise<SeenRoot | undefined> {
    let last: SeenRoot | undefined;
    const watch: ProcessWatch = {
      wrong: async () => {
        last = await this.#seenRoot(session, operation, cx.signal);
        const { process, linked } = onlySlot(last);
        if (operation.passive === true) {
          if (linked === operation.release) return undefined;
          return linked === null ? 'its slot is empty' : `its slot points to ${visible(linked)}`;
        }
        const running = await runningOf(last.root, process, this.#options.resolveSecret);
        if (running.at === 'unclear') return `it runs, but ${running.why}`;
        if (running.running === null) return process?.ended ?? 'the process does not run';
        const { release } = running.running;
        return release === operation.release ? undefined : `the process that runs is of ${visible(release)}`;
      },
      log: async () => {
        if (operation.passive === true) return '';
        const lines = await processLog(session, operation.place, this.#unit(operation), cx.signal);
        return logExcerpt('The last lines of its log:', this.#secrets.hide(lines));
      },
    };
    await verifyHealth(session, operation, this.#unit(operation), watch, cx);
    return last;
  }

  async seen(operation: Operation, cx: Context): Promise<readonly RecordedResource[]> {
    const own = asHostOperation(operation);
    if (own.op === 'hook.run') return [];
    const session = await this.#open(own.place.host, cx.signal);
    const root = await this.#seenRoot(session, own, cx.signal);
    const recorded = await recordedOf(session, own, root, this.#options.resolveSecret);
    if ('why' in recorded) throw new ProviderFailure(recorded.why, 'none');
    return [recorded];
  }

  async checkHealth(operation: VerifyOperation, signal: AbortSignal): Promise<Health> {
    if (operation.health === undefined) return { status: 'not_checked' };
    const { place, release, health } = operation;
    const session = await this.#open(place.host, signal);
    return checkOnce(session, { place, unit: this.#unit(operation), release, health }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #open(host: string, signal: AbortSignal): Promise<HostSession> {
    return openSession(this.#hosts, this.#channels, host, signal);
  }

  async #hookSession(operation: HookOperation, cx: Context): Promise<HostSession> {
    return operation.place === undefined ? this.#operator : this.#open(operation.place.host, cx.signal);
  }

  #unit(operation: Extract<HostOperation, { instance: Address }>): string {
    const declared =
      operation.op === 'process.set' ? (operation.to ?? operation.from)?.process.unit : undefined;
    return declared ?? unitName(operation.place.service, operation.place.install, operation.slot);
  }

  /** What a look must read to tell where the world stands on an operation, and what is to be recorded of it. */
  #lookAt(operation: RootOperation): ProbeRoot {
    const { root } = operation.place.install;
    return 'instance' in operation
      ? { root, slots: [{ slot: operation.slot, unit: this.#unit(operation) }] }
      : { root, slots: [] };
  }

  async #seenRoot(session: HostSession, operation: RootOperation, signal: AbortSignal): Promise<SeenRoot> {
    const seen = await probe(session, [this.#lookAt(operation)], this.#options.clock, signal);
    return first(seen.roots);
  }
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('the probe answered for nothing');
  return item;
}

function asHostOperation(operation: Operation): HostOperation {
  if (!hostOperations.has(operation.op)) throw new Error(`${operation.op} is not done on a host`);
  return operation as HostOperation;
}

/** This machine, for hooks on the operator's side: it is no declared host. */
function operatorSession(folder: string): HostSession {
  const start = { line: 1, column: 1, byte: 0 };
  const declared: HostDeclared = {
    address: asAddress('operator'),
    name: hostname(),
    connection: { kind: 'local' },
    networkAddress: '127.0.0.1',
    labels: {},
    origin: { file: folder, start, end: start },
  };
  return { declared, channel: localChannel(declared) };
}
