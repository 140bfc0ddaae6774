/** Hosts that have just one of the programs by which a script or a relay there can speak to a socket. */
import { accessSync, constants } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostChannels } from '../../src/transport/index.ts';

export const connectors = ['perl', 'python3', 'socat'] as const;
export type Connector = (typeof connectors)[number];

/** The system's own: a version manager's would ask for more than itself. */
const pathOf = (program: string): string | undefined =>
  ['/usr/bin', '/bin'].map((folder) => join(folder, program)).find(mayRun);

function mayRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether this machine has it. */
export const hasConnector = (connector: Connector): boolean => pathOf(connector) !== undefined;

/** For a script: of the three it finds this one only. */
export const findsOnly = (connector: Connector, script: string): string =>
  `PATH=/usr/bin:/bin
command() { case $2 in ${connectors.join('|')}) [ "$2" = ${connector} ] ;; *) return 0 ;; esac; }
${script}`;

/** Channels whose scripts do, as on a host that is far. */
export const offering = (channels: HostChannels, connector: Connector): HostChannels => ({
  async to(host, signal) {
    const { isHere: _, isNear: __, ...channel } = await channels.to(host, signal);
    return {
      ...channel,
      script: (text, values, options) => channel.script(findsOnly(connector, text), values, options),
    };
  },
  [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
});

/** A folder for a PATH: sh, and of the three this one only. */
export async function folderOffering(folder: string, connector: Connector): Promise<string> {
  await mkdir(folder);
  for (const program of ['sh', connector]) {
    const path = pathOf(program);
    if (path !== undefined) await symlink(path, join(folder, program));
  }
  return folder;
}
