/** Releases that bring a launcher of their own, for process "script". */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packRelease, versions } from './scene.ts';

/** A launcher as a team with Java services has it: start puts the process in the background and notes its id. */
const launcher = `#!/bin/sh
# Outside of the release, so that another one finds it.
shared=../../shared
pid_file=$shared/shop-$PORT.pid
is_up() { [ -f "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }
case $1 in
  start) is_up && exit 0; nohup "$NODE" serve.mjs >"$shared/shop-$PORT.out" 2>&1 & echo $! >"$pid_file" ;;
  stop) is_up || exit 0; kill "$(cat "$pid_file")"; while is_up; do sleep 0.1; done; rm -f "$pid_file" ;;
  status) is_up ;;
  *) exit 64 ;;
esac
`;
/** By its whole path, which begins with ~ in the files where the install root does. */
export const launcherCommands = `start  = ["sh", "\${release.path}/bin/shop", "start"]
    stop   = ["sh", "\${release.path}/bin/shop", "stop"]
    status = ["sh", "bin/shop", "status"]`;

export const scriptProcess = `process "script" {
    ${launcherCommands}
    environment = { HOST = host.address, PORT = slot.port, NODE = "${process.execPath}" }
  }`;

/** Puts it into every release of the scene's folder. */
export function packLauncher(folder: string): void {
  for (const version of versions) {
    const bin = join(folder, 'build', version, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'shop'), launcher);
    packRelease(folder, version);
  }
}
