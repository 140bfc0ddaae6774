/**
 * A whole environment on a fleet: web hosts with a systemd service in two slots, HAProxy as a unit on a host of its own,
 * the built program, and clients with a place of their own in the network.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, programIn } from '../rig/program.ts';
import { packRelease } from '../rig/scene.ts';
import type { Traffic } from '../rig/traffic.ts';
import { startTrafficProcess } from '../rig/traffic-process.ts';
import { startBalancer } from './balancer.ts';
import { type Fleet, type FleetHost, startFleet } from './fleet.ts';

const port = 80;

export interface FleetScene extends AsyncDisposable, Program {
  /** Of the operator: `build/VERSION` is what `setVersion` packs. */
  readonly folder: string;
  readonly fleet: Fleet;
  readonly lb: FleetHost;
  readonly web: readonly FleetHost[];
  /** Makes a release and declares it. */
  setVersion(version: string): void;
  declare(onFailure: 'revert' | 'pause', policy: string): void;
  /** The same with another way to roll out. */
  declareRollout(rollout: Rollout, policy: string): void;
  startClients(rate: number, first: string): Traffic;
}

/** How the service is rolled out: its slots with their ports, its strategy block, and how many zones the hosts are in. */
export interface Rollout {
  readonly slots: Readonly<Record<string, number>>;
  readonly strategy: string;
  readonly zones?: number;
  /** Default 20s: how long the check of a release may take. */
  readonly deadline?: string;
}

const blueGreen = (onFailure: string): Rollout => ({
  slots: { blue: 8081, green: 8082 },
  strategy: `strategy "blue_green" {
    bake       = "2s"
    on_failure = "${onFailure}"
  }`,
});

export async function startFleetScene(
  webHosts: number,
  rollout: Rollout = blueGreen('revert'),
): Promise<FleetScene> {
  const names = Array.from({ length: webHosts }, (_, index) => `web-${index + 1}`);
  const fleet = await startFleet(['lb-1', ...names]);
  const folder = mkdtempSync(join(tmpdir(), 'dctl-'));
  const dispose = async (): Promise<void> => {
    await fleet[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  const environment = join(folder, 'environments/prod');
  mkdirSync(environment, { recursive: true });
  const program = programIn(folder);
  const lb = fleet.host('lb-1');
  const declareRollout = (wanted: Rollout, policy: string): void =>
    writeFileSync(join(environment, 'prod.hcl'), configuration(fleet, wanted, policy));
  const setVersion = (version: string): void => {
    packRelease(folder, version);
    writeFileSync(join(environment, 'version.auto.vars.hcl'), `version = "${version}"\n`);
  };
  try {
    setVersion('1.0.0');
    declareRollout(rollout, '');
    await startBalancer(lb, program, 'prod', port);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ...program,
    ...{ folder, fleet, lb, setVersion, declareRollout },
    declare: (onFailure, policy) => declareRollout(blueGreen(onFailure), policy),
    web: names.map((name) => fleet.host(name)),
    startClients: (rate, first) => startClients(fleet, lb, rate, first),
    [Symbol.asyncDispose]: dispose,
  };
}

function configuration(
  fleet: Fleet,
  { slots, strategy, zones, deadline = '20s' }: Rollout,
  policy: string,
): string {
  const web = fleet.hosts.filter(({ name }) => name !== 'lb-1');
  const labels = (name: string): string =>
    zones === undefined || name === 'lb-1'
      ? ''
      : `\n  labels  = { zone = "${'abcdef'[web.findIndex((host) => host.name === name) % zones]}" }`;
  return `variable "version" { type = string }
ssh "default" {
  user            = "deploy"
  identity_file   = "${fleet.identityFile}"
  known_hosts     = "${fleet.knownHosts}"
  become          = "sudo"
  connect_timeout = "4s"
}
${fleet.hosts.map(({ name, address }) => `host "${name}" {\n  address = "${address}"${labels(name)}\n}`).join('\n')}
load_balancer "haproxy" "edge" {
  hosts         = [host.lb-1]
  master_socket = "/run/haproxy-master.sock"
  map_file      = "/etc/haproxy/deployctl/edge.map"
}
release "shop" {
  version  = var.version
  artifact = "../../dist/shop-\${var.version}.tar.gz"
}
service "shop" {
  release = release.shop
${Object.entries(slots)
  .map(
    ([slot, slotPort]) => `  slot "${slot}" {
    hosts = [${web.map(({ name }) => `"${name}"`).join(', ')}]
    port  = ${slotPort}
  }`,
  )
  .join('\n')}
  install {
    root  = "/srv/shop"
    owner = "shop"
    keep  = 2
  }
  process "systemd" {
    command      = ["/usr/local/bin/node", "serve.mjs"]
    environment  = { HOST = host.address, PORT = slot.port }
    user         = "shop"
    stop_timeout = "8s"
  }
  health "http" {
    path     = "/health"
    interval = "200ms"
    deadline = "${deadline}"
  }
  traffic "load_balancer" { load_balancer = load_balancer.edge }
  ${strategy}
}
policy "prod" {
  ${policy}
}
`;
}

/** `name`: what they ask for, as the Host of each request. */
export const startClients = (
  { rack }: Fleet,
  { address }: FleetHost,
  rate: number,
  first: string,
  host = 'shop.test',
): Traffic =>
  startTrafficProcess(
    { address, port, host, rate, keepAlive: 4, freshShare: 0.5, slow: 2, upgraded: 0 },
    first,
    rack.amongClients,
  );
