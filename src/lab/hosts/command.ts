/** Commands on a lab host: a real sh, in a folder and with a home of the host's own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import type { ServerChannel } from 'ssh2';

export interface HostHome {
  readonly name: string;
  /** The user that logs in; nothing runs under another account than the lab's own. */
  readonly user: string;
  /** The host's folder: `$HOME` of everything that runs there. */
  readonly folder: string;
}

/** What marks every process of a lab host, for as long as it hands its environment on to what it starts. */
export const hostMark = 'DEPLOYCTL_LAB_HOST';

/** The environment that sshd would give: nothing of the lab's own leaks in but the Node that runs it. */
export function hostEnvironment(home: HostHome): Record<string, string> {
  const path = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  return {
    HOME: home.folder,
    USER: home.user,
    LOGNAME: home.user,
    SHELL: '/bin/sh',
    PATH: `${dirname(process.execPath)}:${path}`,
    TMPDIR: `${home.folder}/tmp`,
    [hostMark]: home.folder,
  };
}

/**
 * Runs `command` as sshd does: by the login shell, in the home, in a process group of its own. The channel ends when
 * the last process that holds its outputs lets go of them; if the connection goes first, the command goes on with
 * closed pipes.
 */
export function runCommand(command: string, home: HostHome, channel: ServerChannel): ChildProcess {
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: home.folder,
    env: hostEnvironment(home),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  // A command that does not read its input, or a client that is gone: both are everyday.
  for (const stream of [child.stdin, child.stdout, child.stderr, channel]) stream.on('error', () => {});
  channel.on('close', () => {
    for (const stream of child.stdio) stream?.destroy();
  });
  child.on('error', (error) => {
    channel.stderr.write(`${error.message}\n`);
    channel.exit(127);
    channel.end();
  });
  child.on('close', (code, signal) => {
    if (channel.destroyed) return;
    if (signal === null) channel.exit(code ?? 0);
    else channel.exit(signal.replace(/^SIG/, ''));
    channel.end();
  });
  return child;
}
