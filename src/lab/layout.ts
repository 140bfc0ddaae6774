/** Where a lab keeps its things and which addresses it uses: all of it follows from its folder and its network. */
import { userInfo } from 'node:os';
import { join } from 'node:path';

export interface LabPlace {
  /** Absolute. Holds keys, hosts' folders, sockets, figures; everything in it is 0600 or 0700. */
  readonly folder: string;
  /** The first three numbers of its loopback addresses: `127.7.0`. Labs side by side need different ones. */
  readonly network: string;
}

export const defaultNetwork = '127.7.0';

/** Who may log in to the hosts, and as whom everything runs there: whoever started the lab. */
export const labUser = (): string => userInfo().username;

/** Every host has an address of its own, so all of them can use the same ports, as machines do. */
export const sshPort = 2222;

/** Where clients of the services go. */
export const trafficPort = 8080;

/** Where its DNS server listens, on the balancer's host: port 53 needs root. */
export const dnsPort = 8053;
export const dnsZone = 'lab.test.';
/** The name of the key that may change the zone, as environments/lab has it. */
export const dnsKeyName = 'deployctl.';

/** Names of the hosts and the last number of their addresses; `lb-1` is where the load balancer runs. */
export const labHosts: readonly { readonly name: string; readonly number: number }[] = [
  { name: 'lb-1', number: 10 },
  { name: 'web-1', number: 11 },
  { name: 'web-2', number: 12 },
  { name: 'web-3', number: 13 },
];

export const balancerHost = 'lb-1';

export const hostAddress = (place: LabPlace, name: string): string => {
  const host = labHosts.find((each) => each.name === name);
  if (host === undefined) throw new Error(`the lab has no host ${name}`);
  return `${place.network}.${host.number}`;
};

/**
 * The unix socket of the load balancer, where environments/lab says it is: an absolute path that does not depend on
 * where the project lies, and short enough for a socket.
 */
export const controlSocket = ({ network }: LabPlace): string => `/tmp/deployctl-lab-${network}/edge.sock`;

/** The two sides of the service that environments/lab declares: its pools, as an operator would have set them up. */
export const labPools = (place: LabPlace) =>
  [
    { name: 'shop_blue', port: 8081 },
    { name: 'shop_green', port: 8082 },
  ].map(({ name, port }) => ({
    name,
    members: labHosts
      .filter((host) => host.name !== balancerHost)
      .map((host) => ({ name: host.name, address: hostAddress(place, host.name), port })),
    health: { path: '/health', status: 200, intervalMs: 250, timeoutMs: 1_000 },
  }));

export const hostFolder = (folder: string, name: string): string => join(folder, 'hosts', name);
export const userKeyFile = (folder: string): string => join(folder, 'id_ed25519');
export const hostKeyFile = (folder: string, name: string): string => join(folder, 'host-keys', name);
export const knownHostsFile = (folder: string): string => join(folder, 'known_hosts');
/** The key of the DNS server, in base64; environments/lab reads it as a secret. */
export const dnsKeyFile = (folder: string): string => join(folder, 'dns.key');

/** What runs: pids, start times, addresses. Written by the lab when it is ready, gone when it ended in order. */
export const runningFile = (folder: string): string => join(folder, 'lab.json');
export const logFile = (folder: string): string => join(folder, 'lab.log');
export const trafficFile = (folder: string): string => join(folder, 'traffic.json');

/** `127.0.0` to `127.255.255`; undefined: not a network of loopback addresses. */
export const parseNetwork = (text: string): string | undefined => {
  const numbers = /^127\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return numbers?.every((number) => number <= 255) === true ? text : undefined;
};
