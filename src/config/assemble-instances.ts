/** Instances: one slot on one host, with its process, health and hook blocks evaluated for it. */
import { Scope } from '../hcl/eval/scope.ts';
import { STRING } from '../hcl/eval/types.ts';
import { map, number, string, UNKNOWN } from '../hcl/eval/values.ts';
import {
  type HealthDeclared,
  type HookDeclared,
  type HostDeclared,
  type InstallDeclared,
  type InstanceDeclared,
  instanceAddress,
  type ProcessDeclared,
  type ReleaseDeclared,
  releaseDirectory,
} from '../model/index.ts';
import { decodeBlock } from './decode.ts';
import type { Decoded, ExpandedBlock } from './decoded.ts';
import { Reporter } from './evaluation.ts';
import { type InstanceObjects, ItemRoots } from './modules.ts';
import { formatDuration } from './quantities.ts';
import { healthShape, hookShape, processShape, type serviceShape } from './schema/running.ts';
import type { BlockShape } from './schema/shape.ts';
import type { Entry } from './world.ts';

type ServiceEntry = Entry<typeof serviceShape>;
type Slot = ServiceEntry['decoded']['blocks']['slot'][number];

/** What an instance is made from. `release` and `install` are undefined when they could not be read. */
export interface InstanceParts {
  readonly service: ServiceEntry;
  readonly slot: Slot;
  readonly host: HostDeclared;
  readonly release: ReleaseDeclared | undefined;
  readonly version: string | undefined;
  readonly install: InstallDeclared | undefined;
}

const objectsOf = ({ slot, host, release, version, install }: InstanceParts): InstanceObjects => ({
  slot: {
    name: string(slot.labels[0] ?? ''),
    port: slot.args.port === undefined ? UNKNOWN : number(slot.args.port),
  },
  host: {
    name: string(host.name),
    address: string(host.networkAddress),
    labels: map(new Map(Object.entries(host.labels).map(([key, text]) => [key, string(text)])), STRING),
  },
  release: {
    version: version === undefined ? UNKNOWN : string(version),
    path:
      release === undefined || install === undefined
        ? UNKNOWN
        : string(`${install.root}/releases/${releaseDirectory(release)}`),
  },
});

/** The same expressions, with the names of this instance. */
const forInstance = (block: ExpandedBlock, roots: ItemRoots): ExpandedBlock => {
  const { source, functions, ports, budget } = block.scope;
  return block.within(new Scope({ source, functions, roots, ports, budget }, { parent: block.scope }));
};

/** undefined when some block of it could not be read, which is reported once for all instances. */
export function assembleInstance(parts: InstanceParts, report: Reporter): InstanceDeclared | undefined {
  const { service, slot, host } = parts;
  const { perInstance } = service.decoded;
  const roots = new ItemRoots(service.instance, service.repetition, objectsOf(parts));
  let complete = true;
  const decode = <S extends Parameters<typeof decodeBlock>[1]>(block: ExpandedBlock, shape: S) => {
    const decoded = decodeBlock(forInstance(block, roots), shape, report.forInstances);
    if (decoded === undefined || !(decoded as { sound: boolean }).sound) complete = false;
    return decoded;
  };
  const slotName = slot.labels[0] ?? '';
  const [processBlock] = perInstance.process;
  const [healthBlock] = perInstance.health;
  const process = processBlock === undefined ? undefined : decode(processBlock, processShape);
  const health = healthBlock === undefined ? undefined : decode(healthBlock, healthShape);
  const hooks = perInstance.hook.map((block) => decode(block, hookShape));
  const declaredHealth =
    health === undefined ? undefined : healthOf(health, process?.args.user, parts, report);
  if (health !== undefined && declaredHealth === undefined) complete = false;
  if (!complete) return undefined;
  return {
    address: instanceAddress(service.address, slotName, host.name),
    slot: slotName,
    host: host.name,
    process:
      process === undefined
        ? undefined
        : processOf(process, `${parts.install?.knownAs ?? service.name}-${slotName}`),
    health: declaredHealth,
    hooks: hooks.flatMap((hook) => (hook === undefined ? [] : [hookOf(hook)])),
  };
}

const shapes = new Map<string, BlockShape>([
  ['process', processShape],
  ['health', healthShape],
  ['hook', hookShape],
]);

/** Where there is no instance to evaluate them for, what is written in these blocks of a service is checked all the same. */
export function checkInstanceBlocks(
  blocks: readonly ExpandedBlock[],
  { instance, repetition }: Pick<ServiceEntry, 'instance' | 'repetition'>,
  { problems }: Reporter,
): void {
  const roots = new ItemRoots(instance, repetition, { slot: {}, host: {}, release: {} });
  const report = new Reporter(problems, []).forInstances;
  for (const block of blocks) {
    const shape = shapes.get(block.type);
    if (shape !== undefined) decodeBlock(forInstance(block, roots), shape, report);
  }
}

function processOf({ kind, args }: Decoded<typeof processShape>, unit: string): ProcessDeclared {
  const common = {
    unit,
    environment: args.environment ?? {},
    ...(args.user === undefined ? {} : { user: args.user }),
    stopTimeoutMs: args.stop_timeout,
  };
  if (kind !== 'script') return { ...common, kind, command: args.command };
  const { start, stop, status, start_timeout } = args;
  return { ...common, kind, start, stop, status, startTimeoutMs: start_timeout };
}

function healthOf(
  decoded: Decoded<typeof healthShape>,
  user: string | undefined,
  { slot, host }: InstanceParts,
  report: Reporter,
): HealthDeclared | undefined {
  const { kind, args, place } = decoded;
  const { interval, passes, timeout, deadline } = args;
  if (decoded.sound) checkTimes(decoded, report);
  const common = {
    intervalMs: interval,
    passes,
    timeoutMs: timeout,
    deadlineMs: deadline,
    origin: place.source.rangeOf(place.span),
  };
  if (kind === 'command') {
    return { ...common, kind, argv: args.command, ...(user === undefined ? {} : { user }) };
  }
  const port = args.port ?? slot.args.port;
  if (port === undefined) {
    if (!slot.sound) return undefined;
    report.error(place, {
      code: 'health-without-port',
      summary: 'Health check without a port',
      detail: `The slot "${slot.labels[0]}" has no port, so a health check of kind "${kind}" has nothing to connect to.`,
      hint: 'Set port in the slot, or in the health block.',
    });
    return undefined;
  }
  const target = { address: args.address ?? host.networkAddress, port };
  if (kind === 'tcp') return { ...common, kind, ...target };
  return { ...common, kind, ...target, path: args.path, status: args.status };
}

function checkTimes(health: Decoded<typeof healthShape>, report: Reporter): void {
  const { args } = health;
  const least = (args.passes - 1) * args.interval;
  if (args.deadline <= least || args.deadline < args.interval) {
    report.error(health.at('deadline'), {
      code: 'deadline-too-short',
      summary: 'Health check that can never pass',
      detail: `${args.passes} ${args.passes === 1 ? 'pass' : 'passes'} every ${formatDuration(args.interval)} take at least ${formatDuration(Math.max(least, args.interval))}, and the deadline is after ${formatDuration(args.deadline)}.`,
      hint: 'Make the deadline longer, or the interval shorter.',
    });
  } else if (args.timeout > args.deadline) {
    report.error(health.at('timeout'), {
      code: 'deadline-too-short',
      summary: 'Health check that can never pass',
      detail: `One check may take ${formatDuration(args.timeout)}, and the deadline is after ${formatDuration(args.deadline)}.`,
      hint: 'Make the timeout shorter than the deadline.',
    });
  }
}

function hookOf({ kind, args, place }: Decoded<typeof hookShape>): HookDeclared {
  return {
    point: kind,
    argv: args.run,
    on: args.on,
    timeoutMs: args.timeout,
    environment: args.environment ?? {},
    origin: place.source.rangeOf(place.span),
  };
}
