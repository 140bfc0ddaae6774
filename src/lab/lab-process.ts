/**
 * The lab while it is up: its SSH hosts and its load balancer, in one process that was started detached. It tells its
 * parent when it is ready, or why it is not, and ends on SIGTERM.
 */
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startLabBalancer } from './balancer/index.ts';
import { startHost } from './hosts/host.ts';
import { keyAt, knownHostsLine } from './hosts/keys.ts';
import {
  balancerHost,
  controlSocket,
  hostAddress,
  hostFolder,
  hostKeyFile,
  knownHostsFile,
  type LabPlace,
  labHosts,
  labPools,
  labUser,
  sshPort,
  trafficPort,
  userKeyFile,
} from './layout.ts';

const place = JSON.parse(process.argv[2] ?? '{}') as LabPlace;
process.umask(0o077);

/** What is to be closed in the end, the newest first. */
const parts: { close(): Promise<void> }[] = [];

process.once('SIGTERM', () => void closeAll());
void start().then(
  () => {
    process.send?.({ ready: true });
    process.disconnect?.();
  },
  async (error: NodeJS.ErrnoException & { readonly cause?: NodeJS.ErrnoException }) => {
    process.send?.({ ready: false, message: error.message, code: error.code ?? error.cause?.code });
    process.disconnect?.();
    await closeAll();
    process.exitCode = 1;
  },
);

async function closeAll(): Promise<void> {
  for (const part of parts.splice(0).reverse()) await part.close();
}

/** A folder with a name that everyone can guess must be ours alone before anything is put into it. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  if (uid !== process.getuid?.() || (mode & 0o77) !== 0) {
    throw new Error(`${folder} belongs to someone else, or is open to others`);
  }
}

async function start(): Promise<void> {
  const user = await keyAt(userKeyFile(place.folder), 'deployctl lab');
  let knownHosts = '';
  for (const { name } of labHosts) {
    const folder = hostFolder(place.folder, name);
    await mkdir(`${folder}/tmp`, { recursive: true, mode: 0o700 });
    const key = await keyAt(hostKeyFile(place.folder, name), `deployctl lab ${name}`);
    const address = hostAddress(place, name);
    parts.push(
      await startHost({
        name,
        user: labUser(),
        folder,
        address,
        port: sshPort,
        hostKey: key.privateKey,
        authorizedKey: user.publicKey,
      }),
    );
    knownHosts += knownHostsLine(address, sshPort, key.publicKey);
  }
  await makePrivate(dirname(controlSocket(place)));
  await writeFile(knownHostsFile(place.folder), knownHosts, { mode: 0o600 });
  const balancer = await startLabBalancer({
    host: hostAddress(place, balancerHost),
    port: trafficPort,
    controlSocket: controlSocket(place),
    stateFile: join(hostFolder(place.folder, balancerHost), 'edge.json'),
    pools: labPools(place),
    routes: ['shop'],
  });
  parts.push({ close: () => balancer.stop(2_000) });
}
