/** BIND with a secondary, and Unbound in front of both, as real units on hosts of the fleet. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { key } from '../rig/dns-keys.ts';
import { zoneText } from '../rig/dns-servers.ts';
import type { FleetHost } from './fleet.ts';

const keyBlock = `key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };`;
const options = `options { directory "/var/cache/bind"; listen-on { any; }; listen-on-v6 { none; }; recursion no;
  dnssec-validation no; notify explicit; notify-delay 0; allow-transfer { key "${key.name}"; }; };
controls {};`;

/** `internal.test.` on the primary, which the key may change; the secondary is notified. */
export async function startNameServers(primary: FleetHost, secondary: FleetHost): Promise<void> {
  writeFileSync(join(primary.disk, 'var/lib/bind/internal.zone'), zoneText('internal.test.'));
  writeFileSync(
    join(primary.disk, 'etc/bind/named.conf'),
    `${keyBlock}
${options}
zone "internal.test" { type primary; file "/var/lib/bind/internal.zone"; update-policy { grant "${key.name}" zonesub ANY; };
  also-notify { ${secondary.address} key "${key.name}"; }; };
`,
  );
  writeFileSync(
    join(secondary.disk, 'etc/bind/named.conf'),
    `${keyBlock}
${options}
zone "internal.test" { type secondary; file "internal.zone"; primaries { ${primary.address} key "${key.name}"; }; };
`,
  );
  await primary.run('chown bind:bind /var/lib/bind/internal.zone');
  for (const host of [primary, secondary])
    await host.run('systemctl enable --quiet named 2>&1; systemctl restart named');
}

/** The resolver of the network: it asks both, and remembers what they say for its TTL. */
export async function startResolver(host: FleetHost, servers: readonly FleetHost[]): Promise<void> {
  writeFileSync(
    join(host.disk, 'etc/unbound/unbound.conf'),
    `server:
  interface: 0.0.0.0
  access-control: 198.18.0.0/15 allow
  num-threads: 1
  module-config: "iterator"
  local-zone: "test." nodefault
stub-zone:
  name: "internal.test"
${servers.map(({ address }) => `  stub-addr: ${address}`).join('\n')}
`,
  );
  await host.run('systemctl enable --quiet unbound 2>&1; systemctl restart unbound');
}
