/**
 * A place in memory for the temporary files of all tests. Thousands of runs write journals there, and each record is an
 * fsync: on a disk that other tests write to as well, tests waited for those longer than for all else. What a killed
 * process leaves behind is the same on both: the files are the kernel's once they are written.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface InMemory extends Disposable {
  /** Goes before the command that is to have its temporary files there; it becomes that command, with its process id. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The memory is mounted in a namespace of the command's own, and so goes with the last of its processes, whatever ends
 * them. undefined: it cannot be had; who is not root on Linux may not mount it.
 */
export function temporaryFilesInMemory(): InMemory | undefined {
  // Short: paths of sockets below it have 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'dt-'));
  // Hosts of the tests have users of their own, who look for their files below it.
  chmodSync(folder, 0o755);
  const command = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount -t tmpfs -o mode=1777 tmpfs "$TMPDIR" && exec "$@"',
    'sh',
  ];
  const environment = { TMPDIR: folder };
  const [program = '', ...rest] = command;
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  if (spawnSync(program, [...rest, 'true'], { env: { ...process.env, ...environment } }).status !== 0) {
    remove();
    return undefined;
  }
  return { command, environment, [Symbol.dispose]: remove };
}
