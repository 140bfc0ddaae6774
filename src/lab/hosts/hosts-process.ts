/** The lab's SSH hosts while it is up, in one process. */
import { mkdir, writeFile } from 'node:fs/promises';
import {
  hostAddress,
  hostFolder,
  hostKeyFile,
  knownHostsFile,
  type LabPlace,
  labHosts,
  labUser,
  sshPort,
  userKeyFile,
} from '../layout.ts';
import { runPart } from '../process-part.ts';
import { startHost } from './host.ts';
import { keyAt, knownHostsLine } from './keys.ts';

runPart<LabPlace>(async (place, parts) => {
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
  await writeFile(knownHostsFile(place.folder), knownHosts, { mode: 0o600 });
});
