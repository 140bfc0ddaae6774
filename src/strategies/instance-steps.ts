/** What happens on one host: bring the release, stop, link, start, verify. */
import {
  currentSecret,
  type Floor,
  type InstanceDeclared,
  type Operation,
  type RunningProcess,
  type SlotDeclared,
  type Step,
  sameValue,
} from '../model/index.ts';
import type { Hooks } from './hooks.ts';
import { type Situation, stateOf, wantedProcess, wantedRelease } from './situation.ts';
import { nothingToUndo, placeOn, type Sequence } from './step.ts';

/** Brings the release to the host unless it is there already. Touches nothing that runs. */
export function putRelease(
  sequence: Sequence,
  instance: InstanceDeclared,
  needs: readonly Step[],
): Step | undefined {
  const { service, estimate } = sequence.situation;
  const { release } = service;
  const directory = wantedRelease(service);
  const inventory = sequence.situation.inventory(instance.host);
  const isThere =
    inventory.status === 'present' && inventory.spec.releases.some((each) => each.directory === directory);
  if (isThere) return undefined;
  const what = { place: placeOn(service, instance.host), directory, artifact: release.artifact };
  return sequence.add({
    id: `${service.name}/${instance.host}/upload`,
    needs,
    address: instance.address,
    verb: 'upload',
    title: `${service.name} ${release.version}${size(release.artifact.bytes)}`,
    where: `to ${instance.host}`,
    operation: { op: 'release.put', ...what },
    inverse: {
      kind: 'operation',
      operation: { op: 'release.remove', ...what },
      summary: 'remove the folder',
    },
    gate: `its SHA-256 is ${release.artifact.sha256.slice(0, 8)}...`,
    estimateSeconds: estimate('upload'),
  });
}

/**
 * Makes an instance what is wanted: stops what runs, links the release, starts it, and verifies it, which is the step
 * given back. The steps form a chain, so that the way back passes the same states in reverse. Whoever calls it has
 * taken the instance out of service, or gives the floor that is to hold when it stops.
 */
export function renewInstance(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  hooks: Hooks,
  needs: readonly Step[],
  floor?: Floor,
): Step {
  const { service } = sequence.situation;
  const release = wantedRelease(service);
  const { linked, running, tampered } = stateOf(sequence.situation.instance(instance));
  const wanted = wantedProcess(service, instance);
  const hasToStop = running !== null && (!sameValue(running, wanted) || tampered !== null);
  const hasToStart = wanted !== null && (running === null || hasToStop);

  let last = hooks.at('before_install', slot, instance, release, needs);
  if (hasToStop) {
    last = hooks.at('before_stop', slot, instance, running.release, last);
    last = [stopProcess(sequence, slot, instance, running, last, floor)];
    last = hooks.at('after_stop', slot, instance, running.release, last);
  }
  if (linked !== release) last = [linkRelease(sequence, slot, instance, linked, last)];
  last = hooks.at('after_install', slot, instance, release, last);
  if (hasToStart) {
    last = hooks.at('before_start', slot, instance, release, last);
    last = [startProcess(sequence, slot, instance, wanted, last, floor)];
    last = hooks.at('after_start', slot, instance, release, last);
  }
  return verifyInstance(sequence, slot, instance, last);
}

function linkRelease(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  from: string | null,
  needs: readonly Step[],
): Step {
  const { service, estimate } = sequence.situation;
  const to = wantedRelease(service);
  const where = {
    op: 'slot.link',
    place: placeOn(service, instance.host),
    instance: instance.address,
    slot: slot.name,
  } as const;
  return sequence.add({
    id: `${service.name}/${slot.name}/${instance.host}/install`,
    needs,
    address: instance.address,
    verb: 'install',
    title: `${to} as ${slot.name}`,
    where: `on ${instance.host}`,
    operation: { ...where, from, to },
    inverse: {
      kind: 'operation',
      operation: { ...where, from: to, to: from },
      summary: from === null ? `remove the link ${slot.name}` : `${slot.name} -> ${from}`,
    },
    estimateSeconds: estimate('install'),
  });
}

const processOperation = (
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  from: RunningProcess | null,
  to: RunningProcess | null,
  floor?: Floor,
): Operation => ({
  op: 'process.set',
  place: placeOn(sequence.situation.service, instance.host),
  instance: instance.address,
  slot: slot.name,
  from,
  to,
  ...(floor === undefined ? {} : { floor }),
});

export function stopProcess(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  running: RunningProcess,
  needs: readonly Step[],
  floor?: Floor,
): Step {
  const { service, estimate } = sequence.situation;
  return sequence.add({
    id: `${service.name}/${slot.name}/${instance.host}/stop`,
    needs,
    address: instance.address,
    verb: 'stop',
    title: running.process.unit,
    where: `on ${instance.host}`,
    operation: processOperation(sequence, slot, instance, running, null, floor),
    inverse: {
      kind: 'operation',
      operation: processOperation(sequence, slot, instance, null, running),
      verify: checkOf(sequence.situation, slot, instance, running.release),
      summary: `start it with ${running.release}${hasEarlierSecret(running) ? " and today's secrets" : ''}`,
    },
    estimateSeconds: estimate('stop'),
  });
}

/** The value that it runs with is kept nowhere. */
const hasEarlierSecret = ({ process }: RunningProcess): boolean =>
  Object.values(process.environment).some(
    (value) => typeof value !== 'string' && currentSecret(value.secret) !== value.secret,
  );

function startProcess(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  wanted: RunningProcess,
  needs: readonly Step[],
  floor: Floor | undefined,
): Step {
  const { service, estimate } = sequence.situation;
  return sequence.add({
    id: `${service.name}/${slot.name}/${instance.host}/start`,
    needs,
    address: instance.address,
    verb: 'start',
    title: wanted.process.unit,
    where: `on ${instance.host}`,
    operation: processOperation(sequence, slot, instance, null, wanted),
    inverse: {
      kind: 'operation',
      operation: processOperation(sequence, slot, instance, wanted, null, floor),
      summary: 'stop it',
    },
    estimateSeconds: estimate('start'),
  });
}

type Verify = Operation & { readonly op: 'health.verify' };

export const checkOf = (
  situation: Situation,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  release: string,
): Verify => ({
  op: 'health.verify',
  place: placeOn(situation.service, instance.host),
  instance: instance.address,
  slot: slot.name,
  release,
  health: instance.health,
  ...(instance.process === undefined ? { passive: true } : {}),
});

export function verifyInstance(
  sequence: Sequence,
  slot: SlotDeclared,
  instance: InstanceDeclared,
  needs: readonly Step[],
): Step {
  const { service, estimate } = sequence.situation;
  const { health } = instance;
  return sequence.add({
    id: `${service.name}/${slot.name}/${instance.host}/verify`,
    needs,
    address: instance.address,
    verb: 'verify',
    title: checkInWords(instance),
    line: slot.name,
    where: `on ${instance.host}`,
    operation: checkOf(sequence.situation, slot, instance, wantedRelease(service)),
    inverse: nothingToUndo,
    gate:
      health === undefined
        ? instance.process === undefined
          ? 'it is in place'
          : 'it runs'
        : `${health.passes} passes in a row within ${health.deadlineMs / 1000} s`,
    estimateSeconds:
      health === undefined
        ? 0.1
        : Math.max(estimate('verify'), ((health.passes - 1) * health.intervalMs) / 1000),
  });
}

function checkInWords({ health, process }: InstanceDeclared): string {
  if (health === undefined) return process === undefined ? 'that it is in place' : 'that it runs';
  const passes = `${health.passes} ${health.passes === 1 ? 'pass' : 'passes'}`;
  switch (health.kind) {
    case 'http':
      return `GET :${health.port}${health.path}, ${passes}`;
    case 'tcp':
      return `connect to :${health.port}, ${passes}`;
    case 'command':
      return `${health.argv.join(' ')}, ${passes}`;
  }
}

/** Nothing is said of what was not fetched yet. */
function size(bytes: number | null): string {
  if (bytes === null) return '';
  if (bytes < 1000) return `, ${bytes} B`;
  const [value, unit] =
    bytes < 1_000_000 ? [bytes / 1000, 'kB'] : bytes < 1e9 ? [bytes / 1e6, 'MB'] : [bytes / 1e9, 'GB'];
  return `, ${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
