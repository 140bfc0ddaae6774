/** The lab's load balancer while it is up: a process of its own, so that work on the hosts does not slow its clients. */
import { lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startLabBalancer } from './balancer/index.ts';
import {
  balancerHost,
  controlSocket,
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
});

/** A folder with a name that everyone can guess must be ours alone before anything is put into it. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  if (uid !== process.getuid?.() || (mode & 0o77) !== 0) {
    throw new Error(`${folder} belongs to someone else, or is open to others`);
  }
}
