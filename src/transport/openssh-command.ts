/**
 * Command lines of the ssh program. What the configuration says is on them; what it leaves at its default is left to the
 * user's own ~/.ssh/config, certificates and FIDO keys among it: that is why somebody chooses this transport. What
 * protects the run is always on them: host keys are checked strictly, nobody is asked, nothing is forwarded.
 */
import { userInfo } from 'node:os';
import type { SshConnection } from './failures.ts';
import { quoteArguments } from './quote.ts';

/** Seconds without an answer after which ssh asks whether the host lives, and how often before it gives up. */
const aliveSeconds = 7;
const aliveCount = 2;

const always: readonly string[] = [
  'BatchMode=yes',
  'StrictHostKeyChecking=yes',
  'UpdateHostKeys=no',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'RemoteCommand=none',
  'RequestTTY=no',
  'EscapeChar=none',
  'VisualHostKey=no',
  'ConnectionAttempts=1',
  'LogLevel=ERROR',
  `ServerAliveInterval=${aliveSeconds}`,
  `ServerAliveCountMax=${aliveCount}`,
  'ControlPersist=no',
];

const options = (list: readonly string[]): readonly string[] => list.flatMap((each) => ['-o', each]);

/** Whether a path is the one that ssh takes by itself. */
const isUsualKnownHosts = (files: readonly string[]): boolean =>
  files.length === 1 && files[0] === `${userInfo().homedir}/.ssh/known_hosts`;

function reaching(ssh: SshConnection): readonly string[] {
  return [
    ...(ssh.port === 22 ? [] : ['-p', String(ssh.port)]),
    ...(ssh.user === userInfo().username ? [] : ['-l', ssh.user]),
    ...(ssh.identityFile === undefined ? [] : ['-i', ssh.identityFile, '-o', 'IdentitiesOnly=yes']),
    ...(isUsualKnownHosts(ssh.knownHosts)
      ? []
      : ['-o', `UserKnownHostsFile=${ssh.knownHosts.map(inOptionQuotes).join(' ')}`]),
  ];
}

/** ssh splits the values of some options at spaces, and takes double quotes. */
const inOptionQuotes = (path: string): string => (/\s/.test(path) ? `"${path}"` : path);

/** ssh expands %-sequences in these options. */
const literal = (text: string): string => text.replaceAll('%', '%%');

/** The connection that all others share, in the foreground; `jump`: the command that is its way. */
export const masterArguments = (
  ssh: SshConnection,
  socket: string,
  jump: readonly string[] | undefined,
): readonly string[] => [
  ...options(always),
  ...options([
    'ControlMaster=yes',
    `ControlPath=${literal(socket)}`,
    `ConnectTimeout=${Math.ceil(ssh.connectTimeoutMs / 1000)}`,
    'ClearAllForwardings=yes',
    ...(jump === undefined ? [] : [`ProxyCommand=${quoteArguments(jump)}`]),
  ]),
  ...reaching(ssh),
  '-N',
  '-T',
  '--',
  ssh.address,
];

/** Through the shared connection or not at all: without the last option ssh would quietly make one of its own. */
const shared = (socket: string): readonly string[] => [
  ...options([...always, 'ControlMaster=no', `ControlPath=${literal(socket)}`, 'ProxyCommand=false']),
  '-T',
];

export const sessionArguments = (ssh: SshConnection, socket: string, command: string): readonly string[] => [
  ...shared(socket),
  '--',
  ssh.address,
  command,
];

/** A byte stream to where the host connects for us. As ProxyCommand `%h` and `%p` stand for that. */
export const forwardArguments = (ssh: SshConnection, socket: string, target: string): readonly string[] => [
  ...shared(socket),
  '-W',
  target,
  '--',
  ssh.address,
];
