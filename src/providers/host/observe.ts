/** What is observed of the services on their hosts: one look a host, all hosts side by side. */
import {
  type Clock,
  type Declared,
  type Diagnostic,
  type Health,
  type HostDeclared,
  type InstanceState,
  inventoryAddress,
  type Observation,
  type Observed,
  type Place,
  type ServiceDeclared,
  visible,
  visibleLines,
} from '../../model/index.ts';
import { checkOnce } from './health.ts';
import type { KnownSecrets } from './known-secrets.ts';
import { unitName } from './layout.ts';
import type { SeenRoot, SeenSlot } from './probe-parse.ts';
import type { ProbeRoot } from './probe-render.ts';
import { processLog, type ResolveSecret, runningOf } from './processes.ts';
import { diagnosticOf, type HostSession, probe } from './session.ts';

export interface ObserveInput {
  readonly declared: Declared;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly secrets: KnownSecrets;
  /** Of the state that looks; another one's mark on a host is worth a note. */
  readonly lineage: string | undefined;
  readonly open: (host: string) => Promise<HostSession>;
}

/** A clock that is off by more than this confuses whoever reads logs of several hosts. */
const clockSkewSeconds = 5;
const lowDiskBytes = 256 * 1024 * 1024;

interface HostPart {
  readonly service: ServiceDeclared;
  readonly root: ProbeRoot;
  readonly instances: readonly ServiceDeclared['slots'][number]['instances'][number][];
}

/** Never throws for what cannot be reached: that is `unknown`, each with its reason. */
export async function observeHosts(input: ObserveInput): Promise<Observed> {
  const parts = partsByHost(input.declared);
  const looks = await Promise.all([...parts].map(([host, services]) => observeHost(input, host, services)));
  return {
    observations: looks.flatMap((look) => look.observations),
    notes: looks.flatMap((look) => look.notes),
  };
}

function partsByHost(declared: Declared): Map<string, HostPart[]> {
  const parts = new Map<string, HostPart[]>();
  for (const service of declared.services) {
    const byHost = new Map<string, HostPart['instances'][number][]>();
    for (const slot of service.slots) {
      for (const instance of slot.instances) {
        const own = byHost.get(instance.host);
        if (own === undefined) byHost.set(instance.host, [instance]);
        else own.push(instance);
      }
    }
    for (const [host, instances] of byHost) {
      const slots = instances.map(({ slot, process }) => ({
        slot,
        unit: process?.unit ?? unitName(service.address, service.install, slot),
      }));
      const part: HostPart = { service, root: { root: service.install.root, slots }, instances };
      const own = parts.get(host);
      if (own === undefined) parts.set(host, [part]);
      else own.push(part);
    }
  }
  return parts;
}

async function observeHost(input: ObserveInput, host: string, parts: readonly HostPart[]): Promise<Observed> {
  let session: HostSession;
  let seen: Awaited<ReturnType<typeof probe>>;
  try {
    session = await input.open(host);
    seen = await probe(
      session,
      parts.map((part) => part.root),
      input.clock,
      input.signal,
    );
  } catch (error) {
    const why = diagnosticOf(error);
    return { observations: parts.flatMap((part) => unknownPart(part, host, why)), notes: [] };
  }
  const notes: Diagnostic[] = clockNotes(session.declared, seen.clockAheadSeconds);
  const observations = await Promise.all(
    parts.map(async (part, index) => {
      const root = seen.roots[index];
      if (root === undefined) throw new Error('the probe answered for fewer roots than it was asked about');
      notes.push(...rootNotes(session.declared, root, input.lineage));
      return observePart(input, session, part, root);
    }),
  );
  return { observations: observations.flat(), notes };
}

function unknownPart(part: HostPart, host: string, why: Diagnostic): Observation[] {
  return [
    { status: 'unknown', kind: 'inventory', address: inventoryAddress(part.service.address, host), why },
    ...part.instances.map(
      ({ address }): Observation => ({ status: 'unknown', kind: 'instance', address, why }),
    ),
  ];
}

async function observePart(
  input: ObserveInput,
  session: HostSession,
  { service, instances }: HostPart,
  root: SeenRoot,
): Promise<Observation[]> {
  const at = input.clock.now();
  const host = session.declared.name;
  const place: Place = { service: service.address, host, install: service.install };
  const inventory: Observation = {
    status: 'present',
    kind: 'inventory',
    address: inventoryAddress(service.address, host),
    spec: {
      releases: root.releases.map(({ directory, sha256 }) => ({ directory, sha256 })),
      freeBytes: root.freeBytes ?? null,
    },
    at,
  };
  const seen = await Promise.all(
    instances.map(async (instance, index): Promise<Observation> => {
      const slot = root.slots[index];
      if (slot === undefined) throw new Error('the probe answered for fewer slots than it was asked about');
      const { address } = instance;
      const state = await instanceState(session, place, slot, input.secrets.resolve);
      if ('why' in state) return { status: 'unknown', kind: 'instance', address, why: state.why };
      const nothing = state.linked === null && state.running === null && state.tampered === null;
      if (nothing) return { status: 'absent', kind: 'instance', address, at };
      const { ended } = slot.process ?? {};
      let health: Health = { status: 'not_checked' };
      if (ended !== undefined) {
        const log = await logWithoutSecrets(input, session, place, slot);
        health = { status: 'unhealthy', detail: withLastWords(ended, log) };
      } else if (instance.health !== undefined && state.running !== null) {
        const { release, process } = state.running;
        try {
          const checked = { place, unit: process.unit, release, health: instance.health };
          health = await checkOnce(session, checked, input.signal);
        } catch (error) {
          // Nobody could ask: that it is ill would make it one of those that cost nothing to take out.
          return { status: 'unknown', kind: 'instance', address, why: diagnosticOf(error) };
        }
      }
      return { status: 'present', kind: 'instance', address, spec: { ...state, health }, at };
    }),
  );
  return [inventory, ...seen];
}

/** It does not run, so nobody has read what it was started with yet. */
async function logWithoutSecrets(
  { secrets, signal }: ObserveInput,
  session: HostSession,
  place: Place,
  { unit, process }: SeenSlot,
): Promise<string> {
  const environment = Object.values(process?.record?.running.process.environment ?? {});
  const names = environment.flatMap((value) => (typeof value === 'string' ? [] : [value.secret]));
  await Promise.allSettled(names.map(secrets.resolve));
  return secrets.hide(await processLog(session, place, unit, signal));
}

/** The last line that the process printed usually says why it ended. */
function withLastWords(ended: string, log: string): string {
  const last = visibleLines(log).findLast((line) => line.trim() !== '' && !isSystemdsOwn(line));
  return last === undefined ? ended : `${ended}; its last words: ${last.trim().slice(0, 200)}`;
}

/** What systemd itself writes to a unit's journal when it ends. */
const isSystemdsOwn = (line: string): boolean =>
  /^\S+\.service: |^(Started|Starting|Stopped|Stopping|Failed to start) /.test(line);

/** The slot as the model says it, health aside; `why` if something runs that cannot be told. */
export async function instanceState(
  session: HostSession,
  place: Place,
  slot: SeenSlot,
  resolveSecret: ResolveSecret,
): Promise<InstanceState | { readonly why: Diagnostic }> {
  const host = session.declared;
  const root = place.install.root;
  if (slot.obstacle !== undefined) {
    return {
      why: {
        code: 'slot-obstructed',
        severity: 'error',
        summary: 'Something stands in the place of a symlink',
        detail: `${root}/${slot.slot} on ${host.name} is not a symlink. deployctl removes nothing that it did not make.`,
        hint: `Look at it, then move it away: mv ${root}/${slot.slot} ${root}/${slot.slot}.before`,
        address: host.address,
      },
    };
  }
  const now = await runningOf(root, slot.process, resolveSecret);
  if (now.at === 'unclear') {
    return {
      why: {
        code: 'process-unclear',
        severity: 'error',
        summary: 'Process runs, but its record is unusable',
        detail: `${slot.unit} runs on ${host.name}, and with what it was started cannot be told: ${visible(now.why)} (${root}/.deployctl/${slot.unit}/process.json).`,
        hint: 'Stop it on the host and remove that folder; the next plan starts it anew.',
        address: host.address,
      },
    };
  }
  return {
    linked: slot.linked,
    running: now.running,
    tampered: slot.process?.tampered ?? null,
    health: { status: 'not_checked' },
  };
}

/** `ahead`: seconds by which the host's clock is ahead of this machine's. */
export function clockNotes(host: HostDeclared, ahead: number): Diagnostic[] {
  if (Math.abs(ahead) <= clockSkewSeconds) return [];
  return [
    {
      code: 'host-clock-skew',
      severity: 'warning',
      summary: 'Clock of a host is off',
      detail: `The clock of ${host.name} is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's. deployctl does not depend on it, but times in its logs do.`,
      hint: 'Look at its time service: timedatectl',
      address: host.address,
    },
  ];
}

function rootNotes(host: HostDeclared, root: SeenRoot, lineage: string | undefined): Diagnostic[] {
  const notes: Diagnostic[] = [];
  if (root.freeBytes !== undefined && root.freeBytes < lowDiskBytes) {
    notes.push({
      code: 'host-disk-low',
      severity: 'warning',
      summary: 'Disk of a host is almost full',
      detail: `${host.name} has ${Math.floor(root.freeBytes / 1_000_000)} MB free below ${root.root}.`,
      hint: 'Make room there, or lower keep in the install block.',
      address: host.address,
    });
  }
  if (lineage !== undefined && root.fence !== undefined && root.fence.lineage !== lineage) {
    notes.push({
      code: 'host-other-lineage',
      severity: 'warning',
      summary: 'Another state deploys to the same place',
      detail: `${root.root} on ${host.name} was last written by run ${root.fence.run} of the state ${visible(root.fence.lineage)}; this state is ${lineage}.`,
      hint: 'Two states for one install root undo each other: give one of them another root, or use one state.',
      address: host.address,
    });
  }
  return notes;
}
