/** What a look at an install root says about an operation: where the world stands on it, and what is to be recorded. */
import {
  type Diagnostic,
  instanceAddress,
  inventoryAddress,
  type Operation,
  type RecordedResource,
  type Standing,
  unreachable,
  visible,
} from '../../model/index.ts';
import { instanceState } from './observe.ts';
import type { SeenProcess, SeenRoot } from './probe-parse.ts';
import { processStanding, type ResolveSecret, type Running, runningOf } from './processes.ts';
import type { HostSession } from './session.ts';

/** The operations that this provider performs. */
export type HostOperation = Extract<
  Operation,
  {
    op:
      | 'release.put'
      | 'release.remove'
      | 'release.prune'
      | 'slot.link'
      | 'process.set'
      | 'health.verify'
      | 'hook.run';
  }
>;

/** Those below an install root, where the probe sees what they change. */
export type RootOperation = Exclude<HostOperation, { op: 'hook.run' }>;

/** The note of a look: what it has found that a `process.set` starts from. */
export class SeenBefore {
  readonly running: Running;
  readonly process: SeenProcess | undefined;

  constructor(running: Running, process: SeenProcess | undefined) {
    this.running = running;
    this.process = process;
  }
}

/** `after` has what is to be recorded, unless that cannot be told; `before` of a `process.set` has its note. */
export async function standingOf(
  session: HostSession,
  operation: RootOperation,
  root: SeenRoot,
  resolveSecret: ResolveSecret,
): Promise<Standing> {
  const standing = await compare(operation, root, resolveSecret);
  if (standing.at !== 'after') return standing;
  const recorded = await recordedOf(session, operation, root, resolveSecret);
  return 'why' in recorded ? standing : { at: 'after', seen: [recorded] };
}

async function compare(
  operation: RootOperation,
  root: SeenRoot,
  resolveSecret: ResolveSecret,
): Promise<Standing> {
  const find = (directory: string) => root.releases.find((release) => release.directory === directory);
  switch (operation.op) {
    case 'release.put': {
      const found = find(operation.directory);
      if (found === undefined) return { at: 'before' };
      if (found.sha256 === operation.artifact.sha256) return { at: 'after' };
      return { at: 'elsewhere', seen: `was installed from another content (SHA-256 ${found.sha256})` };
    }
    case 'release.remove':
      return { at: find(operation.directory) === undefined ? 'after' : 'before' };
    case 'release.prune': {
      const left = operation.directories.some(({ directory }) => find(directory) !== undefined);
      return { at: left ? 'before' : 'after' };
    }
    case 'slot.link': {
      const slot = onlySlot(root);
      if (slot.obstacle !== undefined) return { at: 'elsewhere', seen: 'is not a symlink' };
      if (slot.linked === operation.to) return { at: 'after' };
      if (slot.linked === operation.from) return { at: 'before' };
      return {
        at: 'elsewhere',
        seen: slot.linked === null ? 'does not exist' : `points to ${visible(slot.linked)}`,
      };
    }
    case 'process.set': {
      const { process } = onlySlot(root);
      const running = await runningOf(root.root, process, resolveSecret);
      const standing = processStanding(operation, running, process);
      return standing.at === 'before' ? { at: 'before', note: new SeenBefore(running, process) } : standing;
    }
    case 'health.verify':
      // A wait has nothing to look at but itself.
      return { at: 'before' };
    default:
      return unreachable(operation);
  }
}

/** Of what the operation changes, as the look has seen it; `why` where something runs that cannot be told. */
export async function recordedOf(
  session: HostSession,
  operation: RootOperation,
  root: SeenRoot,
  resolveSecret: ResolveSecret,
): Promise<RecordedResource | { readonly why: Diagnostic }> {
  const { place } = operation;
  switch (operation.op) {
    case 'release.put':
    case 'release.remove':
    case 'release.prune':
      return {
        kind: 'inventory',
        address: inventoryAddress(place.service, place.host),
        spec: {
          releases: root.releases.map(({ directory, sha256 }) => ({ directory, sha256 })),
          freeBytes: root.freeBytes ?? null,
        },
      };
    case 'slot.link':
    case 'process.set':
    case 'health.verify': {
      const state = await instanceState(session, place, onlySlot(root), resolveSecret);
      if ('why' in state) return state;
      const address = instanceAddress(place.service, operation.slot, place.host);
      if (state.linked === null && state.running === null && state.tampered === null) {
        return { kind: 'instance', address, spec: null };
      }
      const verified = operation.op === 'health.verify' && operation.health !== undefined;
      return {
        kind: 'instance',
        address,
        spec: verified ? { ...state, health: { status: 'healthy' } } : state,
      };
    }
    default:
      return unreachable(operation);
  }
}

/** The slot that was looked at for an operation on one. */
export function onlySlot({ slots: [slot] }: SeenRoot): SeenRoot['slots'][number] {
  if (slot === undefined) throw new Error('the probe answered for no slot');
  return slot;
}
