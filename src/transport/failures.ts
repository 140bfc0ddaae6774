/** What can go wrong between here and a host, each with its code, its words and what to do next. */
import type { Connection, Diagnostic, HostDeclared } from '../model/index.ts';
import { ProviderFailure, visible } from '../model/index.ts';
import type { HostKeyVerdict } from './known-hosts.ts';
import { sudoersLine } from './loader.ts';
import { quoteArgument, quoteArguments } from './quote.ts';

export type SshConnection = Extract<Connection, { kind: 'ssh' }>;

export interface Wording {
  readonly code: string;
  readonly summary: string;
  readonly detail: string;
  readonly hint?: string;
}

/** A failure that is about one host. Text from outside must already be {@link visible}. */
export function hostFailure(
  host: HostDeclared,
  effect: 'none' | 'maybe',
  wording: Wording,
  cause?: unknown,
): ProviderFailure {
  const diagnostic: Diagnostic = {
    severity: 'error',
    ...wording,
    address: host.address,
    subject: host.origin,
  };
  return new ProviderFailure(diagnostic, effect, cause);
}

/** `kim@10.0.0.5`, with the port where it is not 22. */
export const whereOf = (ssh: SshConnection): string =>
  `${ssh.user}@${ssh.address}${ssh.port === 22 ? '' : `:${ssh.port}`}`;

/** The ssh command line that does what we tried, for a person to try. */
export function sshCommand(ssh: SshConnection): string {
  const options = [
    ...(ssh.port === 22 ? [] : ['-p', String(ssh.port)]),
    ...(ssh.identityFile === undefined ? [] : ['-i', ssh.identityFile]),
  ];
  return quoteArguments(['ssh', ...options, `${ssh.user}@${ssh.address}`, 'true']);
}

export const unreachable = (
  host: HostDeclared,
  ssh: SshConnection,
  reason: string,
  cause?: unknown,
): ProviderFailure =>
  hostFailure(
    host,
    'none',
    {
      code: 'host-unreachable',
      summary: 'Host cannot be reached',
      detail: `${host.name} (${whereOf(ssh)}) ${reason}. Nothing was sent to it.`,
      hint: `Try it:\n    ${sshCommand(ssh)}`,
    },
    cause,
  );

/** The failure for a host key that may not be trusted; undefined for a known one. */
export function hostKeyFailure(
  host: HostDeclared,
  ssh: SshConnection,
  keyType: string,
  verdict: HostKeyVerdict,
): ProviderFailure | undefined {
  const offered = 'offered' in verdict ? `${keyType} ${verdict.offered}` : keyType;
  const file = ssh.knownHosts[0] ?? '~/.ssh/known_hosts';
  const scan = quoteArguments([
    'ssh-keyscan',
    ...(ssh.port === 22 ? [] : ['-p', String(ssh.port)]),
    '-t',
    scanType(keyType),
    ssh.address,
  ]);
  const untouched = 'Nothing was sent to it.';
  switch (verdict.verdict) {
    case 'known':
      return undefined;
    case 'unknown':
      return hostFailure(host, 'none', {
        code: 'host-key-unknown',
        summary: 'Host key is not known',
        detail:
          `${host.name} (${whereOf(ssh)}) showed the key ${offered}, and ${listFiles(ssh.knownHosts)} no key ` +
          `for it. ${untouched}`,
        hint: `Compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub on it), then:\n    ${scan} >> ${quoteArgument(file)}`,
      });
    case 'changed': {
      const known = verdict.known.map((key) => `${key.type} ${key.fingerprint} (${key.file}:${key.line})`);
      const first = verdict.known[0]?.file ?? file;
      const name = ssh.port === 22 ? ssh.address : `[${ssh.address}]:${ssh.port}`;
      return hostFailure(host, 'none', {
        code: 'host-key-changed',
        summary: 'Host key has changed',
        detail:
          `${host.name} (${whereOf(ssh)}) showed the key ${offered}, but it is known by ${known.join(', ')}. ` +
          `Either the host was set up anew, or somebody else answers in its place. ${untouched}`,
        hint: `Only if you know why it changed:\n    ${quoteArguments(['ssh-keygen', '-R', name, '-f', first])} &&\n    ${scan} >> ${quoteArgument(first)}`,
      });
    }
    case 'revoked':
      return hostFailure(host, 'none', {
        code: 'host-key-revoked',
        summary: 'Host key is revoked',
        detail: `${host.name} (${whereOf(ssh)}) showed the key ${offered}, which ${verdict.by.file}:${verdict.by.line} marks as @revoked. ${untouched}`,
        hint: 'Give the host a new key, or find out who answers in its place.',
      });
    case 'certificate_authority':
      return hostFailure(host, 'none', {
        code: 'host-key-certificate',
        summary: 'Host is known by a certificate authority only',
        detail:
          `For ${host.name} (${whereOf(ssh)}) there is only the @cert-authority line ${verdict.by.file}:${verdict.by.line}, ` +
          `and the built-in SSH client does not read host certificates. ${untouched}`,
        hint: 'Set transport = "openssh" in its ssh block, or add the plain host key to known_hosts.',
      });
  }
}

const listFiles = (files: readonly string[]): string =>
  files.length === 0
    ? 'no known_hosts file is declared, so there is'
    : `${files.join(' and ')} ${files.length === 1 ? 'has' : 'have'}`;

/** What ssh-keyscan calls a key's type. */
function scanType(keyType: string): string {
  if (keyType.startsWith('ecdsa-')) return 'ecdsa';
  if (keyType.startsWith('rsa-') || keyType === 'ssh-rsa') return 'rsa';
  return 'ed25519';
}

export const interrupted = (host: HostDeclared, effect: 'none' | 'maybe', doing: string): ProviderFailure =>
  hostFailure(host, effect, {
    code: 'interrupted',
    summary: 'Interrupted',
    detail: `${doing} on ${host.name} was given up before it ended.`,
  });

/**
 * The connection that several steps wait for, opened on behalf of the first of them: when that one is interrupted, the
 * others must not be; they open it anew.
 */
export async function waitTogether<T>(open: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const byAnother = error instanceof ProviderFailure && error.diagnostic.code === 'interrupted';
      if (!byAnother || signal?.aborted === true) throw error;
    }
  }
}

export const timedOut = (host: HostDeclared, timeoutMs: number): ProviderFailure =>
  hostFailure(host, 'maybe', {
    code: 'host-timeout',
    summary: 'Host took too long',
    detail: `A command on ${host.name} did not end within ${seconds(timeoutMs)}. It may still go on there.`,
    hint: 'Look at the load and the disks of the host, then go on with the run.',
  });

export const connectionLost = (host: HostDeclared, cause?: unknown): ProviderFailure =>
  hostFailure(
    host,
    'maybe',
    {
      code: 'host-connection-lost',
      summary: 'Connection to the host was lost',
      detail: `The connection to ${host.name} ended while a command ran there${cause instanceof Error ? ` (${visible(cause.message)})` : ''}. What the command did is not known.`,
      hint: 'Resume the run: it looks at the host again before it goes on.',
    },
    cause,
  );

const loginOf = (host: HostDeclared): string =>
  host.connection.kind === 'ssh' ? host.connection.user : 'the user';

/** The script never began: what the login shell or sudo said instead is all there is. */
export function scriptNotStarted(
  host: HostDeclared,
  privileged: boolean,
  code: number | undefined,
  said: string,
): ProviderFailure {
  const words = excerpt(said);
  if (privileged && /sudo|not found|a password is required|not allowed/i.test(said)) {
    return hostFailure(host, 'none', {
      code: 'sudo-refused',
      summary: 'No rights of root on the host',
      detail: `sudo -n on ${host.name} was refused: ${words}.`,
      hint: `Allow this one command on the host (sudo visudo -f /etc/sudoers.d/deployctl):\n    ${sudoersLine(loginOf(host), '/bin/sh')}\nOr set become = "none" in its ssh block, where no rights of root are needed.`,
    });
  }
  return hostFailure(host, 'none', {
    code: 'host-shell-unusable',
    summary: 'No shell on the host',
    detail: `${host.name} did not start sh${code === undefined ? '' : ` (exit code ${code})`}${words === '' ? '' : `: ${words}`}. Nothing was done there.`,
    hint: 'The login user needs a shell that runs "sh" (not nologin, no forced command).',
  });
}

/** The last words of a program, on one line and safe to print. */
export function excerpt(text: string, limit = 400): string {
  const joined = visible(text.trim().replaceAll(/\s*\n\s*/g, '; '));
  return joined.length <= limit ? joined : `…${joined.slice(-limit)}`;
}

/** `2.5 s`; whole minutes from two on. */
export const seconds = (ms: number): string =>
  ms >= 120_000 && ms % 60_000 === 0 ? `${ms / 60_000} min` : `${Number((ms / 1000).toFixed(1))} s`;
