import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Endable, isAlive } from '../process-identity.ts';

/**
 * What was started on a host with `process "exec"` and still runs: its supervisors, each the leader of the group of
 * all that it started. They keep nothing of their session's environment, but their number and start time are in
 * `<root>/.deployctl/<unit>/pid`.
 */
export function supervised(hostFolder: string): readonly Endable[] {
  return pidFiles(hostFolder).flatMap((file) => {
    const [, pid = '', identity = ''] = /^(\d+) (.*)/.exec(readFileSync(file, 'utf8')) ?? [];
    // On Linux the boot follows; elsewhere the start time is words itself.
    const started = process.platform === 'linux' ? (identity.split(' ')[0] ?? '') : identity;
    const leader = { pid: Number(pid), started, leads: true };
    return leader.pid > 1 && isAlive(leader) ? [leader] : [];
  });
}

function pidFiles(hostFolder: string): readonly string[] {
  try {
    return readdirSync(hostFolder, { recursive: true, encoding: 'utf8' })
      .filter((path) => basename(path) === 'pid' && basename(dirname(dirname(path))) === '.deployctl')
      .map((path) => join(hostFolder, path));
  } catch {
    return []; // the host never was up
  }
}
