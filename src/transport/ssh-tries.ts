/** Why one try to set up a connection failed, and whether another one makes sense. */
import { type HostDeclared, type ProviderFailure, visible } from '../model/index.ts';
import { hostFailure, type SshConnection, unreachable, whereOf } from './failures.ts';

/** `final` cannot get better, `lost` was cut off by the other side. */
export class TryFailure extends Error {
  readonly kind: 'final' | 'lost';
  readonly failure: ProviderFailure;

  constructor(kind: 'final' | 'lost', failure: ProviderFailure) {
    super(failure.message);
    this.kind = kind;
    this.failure = failure;
  }
}

/** The offered key is not known, but keys of other types are: they may be there when asked for. */
export class KnownByOtherType extends Error {
  readonly types: readonly string[];

  constructor(types: readonly string[]) {
    super('known by a key of another type');
    this.types = types;
  }
}

/** What ssh2 says, in words with a next step. */
export function explain(host: HostDeclared, ssh: SshConnection, error: Error & { level?: string }): Error {
  const said = visible(error.message);
  if (error.level === 'client-authentication' || error.level === 'agent') {
    const key = ssh.identityFile === undefined ? 'the keys of the running agent' : ssh.identityFile;
    return new TryFailure(
      'final',
      hostFailure(
        host,
        'none',
        {
          code: 'auth-refused',
          summary: 'Login refused by the host',
          detail: `${host.name} (${whereOf(ssh)}) does not accept ${key}${error.level === 'agent' ? ` (${said})` : ''}. It was not tried again: some servers shut out an address that fails often.`,
          hint: `Put the public key into ~/.ssh/authorized_keys of ${ssh.user} on the host, or correct user and identity_file in its ssh block.`,
        },
        error,
      ),
    );
  }
  if (error.level === 'handshake' || error.level === 'protocol') {
    if (/lost before handshake/i.test(error.message)) {
      return new TryFailure(
        'lost',
        unreachable(host, ssh, 'closed the connection before the SSH handshake', error),
      );
    }
    if (/not allowed at this time/i.test(error.message)) {
      return new TryFailure(
        'final',
        unreachable(host, ssh, 'shuts this address out for a while (PerSourcePenalties)', error),
      );
    }
    return new TryFailure(
      'final',
      hostFailure(
        host,
        'none',
        {
          code: 'ssh-handshake-failed',
          summary: 'No common language with the SSH server',
          detail: `${host.name} (${whereOf(ssh)}): ${said}.`,
          hint: 'Set transport = "openssh" in its ssh block if the server needs algorithms that the built-in client does not have.',
        },
        error,
      ),
    );
  }
  return new TryFailure(
    'lost',
    unreachable(host, ssh, `closed the connection during the SSH handshake: ${said}`, error),
  );
}
