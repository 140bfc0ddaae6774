/** Whether a zone will do what a run asks of it: it can be read and changed, and its servers follow. Changes nothing. */
import { isAtLeast } from '../../dns/serial.ts';
import {
  type Check,
  type Diagnostic,
  findingOf,
  ProviderFailure,
  type ZoneDeclared,
} from '../../model/index.ts';
import { serverText } from '../../transport/index.ts';
import type { ZoneClient } from './client.ts';
import { complain } from './complaints.ts';
import { fenceName } from './fence.ts';
import { notesOn } from './observe.ts';
import { askSerial, readZone, type ZoneReading } from './read.ts';
import { missingRights, takesUnsigned } from './rights.ts';

export async function checkZone(client: ZoneClient, signal: AbortSignal): Promise<readonly Check[]> {
  const { zone } = client;
  const check = (title: string, finding: Check['finding']): Check => ({
    title,
    address: zone.address,
    name: zone.name,
    finding,
  });
  let reading: ZoneReading;
  try {
    reading = await readZone(client, [...zone.records.map(({ name }) => name), fenceName(zone)], signal);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    const because = `${zone.zone} could not be read`;
    return [
      check('zone', { at: 'wrong', why: [error.diagnostic] }),
      ...['name servers', 'updates'].map((title) => check(title, { at: 'not_checked', because })),
    ];
  }
  const { serial } = reading.content;
  const [behind, denied] = await Promise.all([
    complaintsOfServers(client, serial, signal),
    missingRights(client, reading, signal),
  ]);
  const open = denied.length > 0 ? [] : await takesUnsigned(client, reading, signal);
  return [
    check(
      'zone',
      findingOf(`${zone.zone} is given by its primary, serial ${serial}`, notesOn(zone, reading)),
    ),
    check('name servers', findingOf(`${zone.servers.length} of ${zone.servers.length} answer alike`, behind)),
    check('updates', findingOf('are taken by the key, and only by it', [...denied, ...open])),
  ];
}

/** Each server itself. Fewer than must agree is an error: no step would ever be done. */
async function complaintsOfServers(
  client: ZoneClient,
  serial: number,
  signal: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const { zone } = client;
  const answers = await Promise.all(
    zone.servers.map(async (server): Promise<Diagnostic | undefined> => {
      try {
        const own = await askSerial(client, server, signal);
        return isAtLeast(own, serial) ? undefined : lagging(zone, serverText(server), own, serial);
      } catch (error) {
        if (error instanceof ProviderFailure) return error.diagnostic;
        throw error;
      }
    }),
  );
  const complaints = answers.filter((each) => each !== undefined);
  const isEnough = zone.servers.length - complaints.length >= zone.quorum;
  return complaints.map((each) => ({ ...each, severity: isEnough ? 'warning' : 'error' }));
}

const lagging = (zone: ZoneDeclared, server: string, own: number, serial: number): Diagnostic =>
  complain(zone, {
    code: 'dns-server-behind',
    summary: 'A DNS server is behind its primary',
    detail: `${server} has serial ${own} of ${zone.zone}, and the primary ${serial}.`,
    hint: 'Check that the primary notifies it (also-notify), and that it may transfer the zone.',
  });
