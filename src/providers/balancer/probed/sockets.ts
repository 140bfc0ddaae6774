/**
 * How many connections a host has open to the members of a pool. A proxy that counts nothing itself, and keeps no idle
 * connection to a member, has one for each request in flight: so this is what "drained" is proved by.
 */
import { posix } from 'node:path';
import type { PoolDeclared } from '../../../model/index.ts';
import { refusal } from '../failure.ts';

/**
 * Names are resolved on the host, as the proxy does. Of the kernel's tables only established connections to these ports:
 * with ss the kernel itself leaves out all others, and a busy proxy has many thousands of them, most of them closed. Reading
 * all of them took five times as long where there were 5,000, and a drain looks again and again.
 */
export const connectionsScript = `
for each in $names; do
  getent ahosts "$each" | while read -r address kind rest; do [ "$kind" != STREAM ] || echo "name $each $address"; done
done
if [ -z "$ports" ]; then :
elif peers=$(ss -Htn state established "$to_ports" 2>/dev/null); then
  while read -r received sent here peer rest; do [ -z "$peer" ] || echo "peer $peer"; done <<PEERS
$peers
PEERS
elif [ -r /proc/net/tcp ]; then
  sed -nE "s/^ *[0-9]+: [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]+:($ports)) 01 .*/open \\1/p" /proc/net/tcp /proc/net/tcp6 2>/dev/null
else echo unreadable; fi
`;

const membersOf = (pools: readonly PoolDeclared[]) =>
  pools.flatMap((pool) => pool.members.map((member) => ({ pool: pool.name, ...member })));

const isName = (address: string): boolean => !address.includes(':') && !/^\d+(\.\d+){3}$/.test(address);

/** What {@link connectionsScript} is to look for. */
export function connectionValues(
  pools: readonly PoolDeclared[],
): Readonly<Record<'names' | 'ports' | 'to_ports', string>> {
  const members = membersOf(pools);
  const ports = [...new Set(members.map(({ port }) => port))];
  const names = new Set(members.map(({ address }) => address).filter(isName));
  return {
    names: [...names].join(' '),
    ports: ports.map(hexPort).join('|'),
    to_ports: `( ${ports.map((port) => `dport = :${port}`).join(' or ')} )`,
  };
}

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/** What ss calls a peer, as /proc/net/tcp would: `10.0.0.1:80`, `[::ffff:10.0.0.1]:80`, `[fe80::1%eth0]:80`. */
function hexPeer(peer: string): string | undefined {
  const [, address = '', port = ''] = /^\[?(?:::ffff:(?=[\d.]+\]))?([^%\]]+).*?\]?:(\d+)$/.exec(peer) ?? [];
  return address === '' ? undefined : hexEndpoint(address, Number(port))[0];
}

/** As /proc/net/tcp writes it: each 32-bit word of the address in the byte order of the host, little-endian here. */
export function hexEndpoint(address: string, port: number): readonly string[] {
  const portHex = hexPort(port);
  const words = (bytes: readonly number[]): string => {
    let text = '';
    for (let index = 0; index < bytes.length; index += 4) {
      text += bytes
        .slice(index, index + 4)
        .toReversed()
        .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
        .join('');
    }
    return `${text}:${portHex}`;
  };
  if (/^\d+(\.\d+){3}$/.test(address)) {
    const bytes = address.split('.').map(Number);
    const mapped = [...Array.from({ length: 10 }, () => 0), 255, 255, ...bytes];
    return [words(bytes), words(mapped)];
  }
  const [head = '', tail] = address.split('::');
  const groups = (part: string): readonly number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const middle = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => 0);
  return [words([...first, ...middle, ...last].flatMap((group) => [group >> 8, group & 255]))];
}

/** By `pool/member`, from what the script said. Throws where the host cannot tell: not known is never taken for none. */
export function readConnections(
  host: string,
  pools: readonly PoolDeclared[],
  text: string | undefined,
): ReadonlyMap<string, number> {
  const lines = text?.split('\n') ?? ['unreadable'];
  if (lines.includes('unreadable')) {
    throw refusal({
      code: 'balancer-connections-unknown',
      summary: 'The open connections of the host cannot be read',
      detail: `${posix.join('/proc', 'net', 'tcp')} on ${host} could not be read. Without it nobody can tell whether a pool is drained.`,
      hint: 'The host must run Linux, with /proc mounted.',
    });
  }
  const open = new Map<string, number>();
  const resolved = new Map<string, string[]>();
  for (const line of lines) {
    const [kind, first = '', second = ''] = line.split(' ');
    const to = kind === 'open' ? first : kind === 'peer' ? hexPeer(first) : undefined;
    if (to !== undefined) open.set(to, (open.get(to) ?? 0) + 1);
    if (kind === 'name') resolved.set(first, [...(resolved.get(first) ?? []), second]);
  }
  return new Map(
    membersOf(pools).map(({ pool, name, address, port }) => {
      const addresses = isName(address) ? [...new Set(resolved.get(address) ?? [])] : [address];
      const count = addresses
        .flatMap((each) => hexEndpoint(each, port))
        .reduce((sum, each) => sum + (open.get(each) ?? 0), 0);
      return [`${pool}/${name}`, count];
    }),
  );
}
