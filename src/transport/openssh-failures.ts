/** What the ssh program says, in words with a next step. */
import type { HostDeclared, ProviderFailure } from '../model/index.ts';
import { excerpt, hostFailure, type SshConnection, sshCommand, unreachable, whereOf } from './failures.ts';
import { quoteArguments } from './quote.ts';

/** What a failed connection means by what ssh said; `again`: sshd drops connections when many come at once. */
export function explainOpenssh(
  host: HostDeclared,
  ssh: SshConnection,
  said: string,
): { readonly failure: ProviderFailure; readonly again: boolean } {
  const final = (code: string, summary: string, detail: string, hint: string) => ({
    failure: hostFailure(host, 'none', { code, summary, detail, hint }),
    again: false,
  });
  const where = `${host.name} (${whereOf(ssh)})`;
  const name = ssh.port === 22 ? ssh.address : `[${ssh.address}]:${ssh.port}`;
  const untouched = 'Nothing was sent to it.';
  const words = excerpt(said);
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|POSSIBLE DNS SPOOFING/i.test(said)) {
    const shown = /SHA256:[A-Za-z0-9+/]+/.exec(said)?.[0];
    const file =
      /Offending \S+ key in (\S+):\d+/.exec(said)?.[1] ?? ssh.knownHosts[0] ?? '~/.ssh/known_hosts';
    return final(
      'host-key-changed',
      'Host key has changed',
      `${where} showed the key ${shown ?? 'of another host'}, and ${file} has another one for it. Either the host was set up anew, or somebody else answers in its place. ${untouched}`,
      `Only if you know why it changed:\n    ${quoteArguments(['ssh-keygen', '-R', name, '-f', file])}\nand add the new key once you have compared it with the host's own.`,
    );
  }
  if (/REVOKED/i.test(said)) {
    return final(
      'host-key-revoked',
      'Host key is revoked',
      `${where} showed a key that is marked as revoked: ${words}. ${untouched}`,
      'Give the host a new key, or find out who answers in its place.',
    );
  }
  if (/host key is known|Host key verification failed|Host certificate/i.test(said)) {
    return final(
      'host-key-unknown',
      'Host key is not known',
      `${where} showed a key that ${ssh.knownHosts.join(' and ')} does not vouch for: ${words}. ${untouched}`,
      `Compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub on it), then add it:\n    ${quoteArguments(['ssh-keyscan', ...(ssh.port === 22 ? [] : ['-p', String(ssh.port)]), ssh.address])} >> ${ssh.knownHosts[0] ?? '~/.ssh/known_hosts'}`,
    );
  }
  if (/Permission denied|Too many authentication failures|no such identity|Load key/i.test(said)) {
    return final(
      'auth-refused',
      'Login refused by the host',
      `${where} lets nobody in with ${ssh.identityFile ?? 'the keys that ssh offers'}: ${words}. It was not tried again: some servers shut out an address that fails often.`,
      `Nobody is asked for a passphrase or a password here: load the key into an agent (ssh-add), and try it:\n    ${sshCommand(ssh)}`,
    );
  }
  if (/Unable to negotiate|no matching/i.test(said)) {
    return final(
      'ssh-handshake-failed',
      'No common language with the SSH server',
      `${where}: ${words}.`,
      'Allow what the server needs in ~/.ssh/config, for this host alone.',
    );
  }
  if (/Bad configuration option|terminating, \d+ bad|Bad owner or permissions/i.test(said)) {
    return final(
      'ssh-config-unusable',
      'ssh does not take its own configuration',
      `ssh refuses to run for ${host.name}: ${words}.`,
      'Correct ~/.ssh/config, or set transport = "ssh2", which does not read it.',
    );
  }
  const again = /kex_exchange_identification|Connection (closed|reset) by|banner exchange/i.test(said);
  const reason = /refused/i.test(said)
    ? 'does not answer: connection refused'
    : /resolve hostname/i.test(said)
      ? 'does not answer: its name cannot be resolved'
      : /timed out/i.test(said)
        ? 'did not answer in time'
        : `cannot be reached by ssh: ${words === '' ? 'it ended without a word' : words}`;
  return { failure: unreachable(host, ssh, reason), again: again && !/refused|timed out/i.test(said) };
}

export const opensshMissing = (host: HostDeclared, cause: unknown): ProviderFailure =>
  hostFailure(
    host,
    'none',
    {
      code: 'ssh-program-missing',
      summary: 'There is no ssh program',
      detail: `The ssh block of ${host.name} asks for transport = "openssh", and no program called ssh can be started here.`,
      hint: 'Install OpenSSH (openssh-client), or set transport = "ssh2".',
    },
    cause,
  );
