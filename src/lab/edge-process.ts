/** What the lab's clients use while it is up: a process of its own, so that work on the hosts does not slow them. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startLabBalancer } from './balancer/index.ts';
import { type LabDns, startLabDns } from './dns/index.ts';
import { newZone } from './dns/zone.ts';
import {
  balancerHost,
  controlSocket,
  dnsKeyFile,
  dnsKeyName,
  dnsPort,
  dnsZone,
  hostAddress,
  hostFolder,
  type LabPlace,
  labPools,
  trafficPort,
} from './layout.ts';
import { runPart } from './process-part.ts';

runPart<LabPlace>(async (place, parts) => {
  await makePrivate(dirname(controlSocket(place)));
  const balancer = await startLabBalancer({
    host: hostAddress(place, balancerHost),
    port: trafficPort,
    controlSocket: controlSocket(place),
    stateFile: join(hostFolder(place.folder, balancerHost), 'edge.json'),
    pools: labPools(place),
    routes: ['shop'],
  });
  parts.push({ close: () => balancer.stop(2_000) });
  const dns = await startDns(place);
  parts.push({ close: async () => dns[Symbol.asyncDispose]() });
});

/** One zone, without a record of its own but for its name server; the key is made where there is none. */
async function startDns(place: LabPlace): Promise<LabDns> {
  const file = dnsKeyFile(place.folder);
  if (!existsSync(file)) await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const secret = (await readFile(file, 'utf8')).trim();
  const address = hostAddress(place, balancerHost);
  // Nobody is to remember that a name does not exist: a first deployment would have to wait for it.
  const zone = newZone(dnsZone, 0, [
    { name: '@', type: 'NS', ttl: 60, value: 'ns1' },
    { name: 'ns1', type: 'A', ttl: 60, value: address },
  ]);
  return startLabDns({
    host: address,
    port: dnsPort,
    keys: [{ name: dnsKeyName, algorithm: 'hmac-sha256', secret }],
    zones: [{ zone, updaters: [dnsKeyName], readers: [dnsKeyName] }],
    stateFile: join(hostFolder(place.folder, balancerHost), 'zones.json'),
  });
}

/** A folder with a name that everyone can guess must be ours alone before anything is put into it. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  if (uid !== process.getuid?.() || (mode & 0o77) !== 0) {
    throw new Error(`${folder} belongs to someone else, or is open to others`);
  }
}
