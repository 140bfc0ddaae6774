/** The lab's DNS server with the zones of the other ones. Run as a program, it is the process of that server. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLabDns } from '../../src/lab/dns/index.ts';
import { newZone, type WrittenRecord } from '../../src/lab/dns/zone.ts';

export interface LabDnsTold {
  readonly folder: string;
  readonly port: number;
  /** The first may do everything in `internal.test.`, the others may read. */
  readonly keys: readonly { readonly name: string; readonly secret: string }[];
  readonly withoutTransfer: boolean;
}

export const labDnsProgram = fileURLToPath(import.meta.url);

const record = (name: string, type: WrittenRecord['type'], value: string): WrittenRecord => ({
  name,
  type,
  ttl: 60,
  value,
});

/** What `zoneText` says. */
const records: readonly WrittenRecord[] = [
  record('@', 'NS', 'ns1'),
  record('ns1', 'A', '127.0.0.1'),
  record('shop', 'A', '10.0.1.11'),
  record('shop', 'A', '10.0.1.12'),
  record('web', 'CNAME', 'shop.internal.test.'),
  record('busy', 'TXT', '"hands off"'),
  record('*.wild', 'A', '10.9.9.9'),
  record('sub', 'NS', 'ns.sub'),
  record('ns.sub', 'A', '10.9.9.1'),
];

if (process.argv[1] === labDnsProgram) {
  const { folder, port, keys, withoutTransfer } = JSON.parse(process.argv[2] ?? '{}') as LabDnsTold;
  const names = keys.map(({ name }) => name);
  const readers = withoutTransfer ? [] : names;
  await startLabDns({
    host: '127.0.0.1',
    port,
    keys: keys.map((each) => ({ ...each, algorithm: 'hmac-sha256' })),
    zones: [
      { zone: newZone('internal.test.', 2, records), updaters: names.slice(0, 1), readers },
      { zone: newZone('static.test.', 2, records.slice(0, 4)), updaters: [], readers },
    ],
    stateFile: join(folder, 'zones.json'),
  });
  console.log('ready');
}
