/** A service on hosts of the rig, and the operations on it, in as few words as a test can do with. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ArtifactDeclared,
  Context,
  Declared,
  HealthDeclared,
  HostDeclared,
  InstallDeclared,
  InstanceDeclared,
  Operation,
  Place,
  ProcessDeclared,
  ReleaseDeclared,
  RunningProcess,
} from '../../src/model/index.ts';
import { asAddress, instanceAddress, releaseDirectory, slotAddress } from '../../src/model/index.ts';
import { readArtifact } from '../../src/providers/host/index.ts';
import { realClock } from './clock.ts';

const start = { line: 1, column: 1, byte: 0 };
export const origin = { file: 'shop.hcl', start, end: start };
export const service = asAddress('service.shop');

/** The step that operations of a test belong to, with what it reported. */
export interface TestContext extends Context {
  readonly reported: Parameters<Context['report']>[0][];
}

let steps = 0;

export function testContext(changes: Partial<Context> = {}): TestContext {
  const reported: TestContext['reported'] = [];
  steps += 1;
  return {
    signal: new AbortController().signal,
    clock: realClock,
    fence: { lineage: 'test-lineage', run: 1 },
    step: `step-${process.pid}-${steps}` as Context['step'],
    attempt: 0,
    report: (event) => void reported.push(event),
    ...changes,
    reported,
  };
}

/** A small HTTP server as a release: it answers its version, its environment and its folder. */
export async function writeApplication(folder: string, version: string): Promise<string> {
  const path = join(folder, `shop-${version}`);
  await mkdir(join(path, 'bin'), { recursive: true });
  await writeFile(
    join(path, 'server.cjs'),
    `const http = require('node:http');
const { env, argv } = process;
const server = http.createServer((request, response) => {
  if (request.url === '/crash') process.exit(9);
  response.statusCode = request.url === '/broken' ? 500 : 200;
  response.end(JSON.stringify({ version: ${JSON.stringify(version)}, folder: process.cwd(), env }));
});
server.listen(Number(argv[2]), argv[3], () => console.log('listening as ${version}'));
process.on('SIGTERM', () => { console.log('told to stop'); server.close(); server.closeAllConnections(); });
`,
  );
  return path;
}

/** The service's own launcher, as a Java team has it: start, stop and status around a file with the process's number. */
export async function writeLauncher(folder: string): Promise<void> {
  await writeFile(
    join(folder, 'bin/launcher.sh'),
    `#!/bin/sh
# launcher.sh start|stop|status: wants RUNTIME, PORT and ADDRESS in the environment.
pid_file=run.pid
running() { [ -f "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }
case $1 in
  start)
    running && exit 0
    nohup "$RUNTIME" server.cjs "$PORT" "$ADDRESS" >app.log 2>&1 &
    echo $! >"$pid_file"
    echo "started $!" ;;
  stop)
    running || exit 0
    kill "$(cat "$pid_file")"
    while running; do sleep 0.1; done
    rm -f "$pid_file" ;;
  status) running ;;
  *) echo "usage: launcher.sh start|stop|status" >&2; exit 64 ;;
esac
`,
    { mode: 0o755 },
  );
}

export async function artifactOf(path: string): Promise<ArtifactDeclared> {
  const read = await readArtifact(path);
  if (!read.ok) throw new Error(JSON.stringify(read.diagnostics));
  return read.value;
}

export async function releaseOf(path: string, version: string): Promise<ReleaseDeclared> {
  return { name: 'shop', version, artifact: await artifactOf(path), origin };
}

export const placeOn = (host: string, install: InstallDeclared): Place => ({ service, host, install });

/** Everything that the operations on one slot of one host are made of. */
export class SlotOperations {
  readonly place: Place;
  readonly slot: string;

  constructor(place: Place, slot: string) {
    this.place = place;
    this.slot = slot;
  }

  get instance() {
    return instanceAddress(this.place.service, this.slot, this.place.host);
  }

  put(release: ReleaseDeclared): Operation & { op: 'release.put' } {
    return {
      op: 'release.put',
      place: this.place,
      directory: releaseDirectory(release),
      artifact: release.artifact,
    };
  }

  remove(release: ReleaseDeclared): Operation & { op: 'release.remove' } {
    return { ...this.put(release), op: 'release.remove' };
  }

  prune(...releases: ReleaseDeclared[]): Operation & { op: 'release.prune' } {
    return {
      op: 'release.prune',
      place: this.place,
      directories: releases.map((release) => ({
        directory: releaseDirectory(release),
        sha256: release.artifact.sha256,
      })),
    };
  }

  link(from: string | null, to: string | null): Operation & { op: 'slot.link' } {
    return { op: 'slot.link', place: this.place, instance: this.instance, slot: this.slot, from, to };
  }

  set(from: RunningProcess | null, to: RunningProcess | null): Operation & { op: 'process.set' } {
    return { op: 'process.set', place: this.place, instance: this.instance, slot: this.slot, from, to };
  }

  verify(release: string, health: HealthDeclared | undefined): Operation & { op: 'health.verify' } {
    return {
      op: 'health.verify',
      place: this.place,
      instance: this.instance,
      slot: this.slot,
      release,
      health,
    };
  }

  hook(
    folder: string,
    argv: readonly string[],
    more: Partial<Operation & { op: 'hook.run' }> = {},
  ): Operation & { op: 'hook.run' } {
    return {
      op: 'hook.run',
      point: 'before_start',
      place: this.place,
      folder,
      argv,
      environment: {},
      timeoutMs: 20_000,
      ...more,
    };
  }
}

export const httpHealth = (
  address: string,
  port: number,
  changes: Partial<HealthDeclared> = {},
): HealthDeclared =>
  ({
    kind: 'http',
    address,
    port,
    path: '/health',
    status: 200,
    intervalMs: 50,
    passes: 2,
    timeoutMs: 2_000,
    deadlineMs: 10_000,
    origin,
    ...changes,
  }) as HealthDeclared;

/** The whole declaration around some instances, for `observe`. */
export function declaredWith(
  hosts: readonly HostDeclared[],
  folder: string,
  release: ReleaseDeclared | undefined,
  install: InstallDeclared,
  instances: readonly Pick<InstanceDeclared, 'slot' | 'host' | 'process' | 'health'>[],
): Declared {
  const slots = [...new Set(instances.map(({ slot }) => slot))];
  return {
    environment: 'test',
    folder,
    hosts,
    balancers: [],
    zones: [],
    services:
      release === undefined
        ? []
        : [
            {
              address: service,
              name: 'shop',
              dependsOn: [],
              release,
              slots: slots.map((slot) => ({
                address: slotAddress(service, slot),
                name: slot,
                port: undefined,
                instances: instances
                  .filter((instance) => instance.slot === slot)
                  .map((instance) => ({
                    ...instance,
                    address: instanceAddress(service, slot, instance.host),
                    hooks: [],
                  })),
              })),
              install,
              traffic: [],
              strategy: { kind: 'in_place', drainTimeoutMs: 0, onFailure: 'revert', origin },
              origin,
            },
          ],
    policy: { minInServicePercent: 0, freezes: [] },
    hooks: [],
    secrets: {},
    outputs: {},
    state: { backend: 'local', path: join(folder, 'state') },
  };
}

export const execProcess = (
  unit: string,
  command: readonly string[],
  more: Partial<ProcessDeclared> = {},
): ProcessDeclared =>
  ({ kind: 'exec', unit, command, environment: {}, stopTimeoutMs: 5_000, ...more }) as ProcessDeclared;

/** A process that is run by its own launcher, see {@link writeLauncher}. */
export const scriptProcess = (
  unit: string,
  runtime: string,
  address: string,
  port: number,
  more: Partial<ProcessDeclared> = {},
): ProcessDeclared => {
  const base: ProcessDeclared = {
    kind: 'script',
    unit,
    start: ['bin/launcher.sh', 'start'],
    stop: ['bin/launcher.sh', 'stop'],
    status: ['bin/launcher.sh', 'status'],
    startTimeoutMs: 10_000,
    environment: {},
    stopTimeoutMs: 5_000,
  };
  return {
    ...base,
    ...more,
    environment: { ...more.environment, RUNTIME: runtime, ADDRESS: address, PORT: String(port) },
  } as ProcessDeclared;
};
