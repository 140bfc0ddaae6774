/** What we speak with an SSH server, in order of preference. */
import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * The cheapest first (2.5 ms of CPU a host), the rest for servers that do not have them; nothing that is broken. For the
 * hosts too: OpenSSH takes P-256 from OpenSSL and has Curve25519 in portable C, which costs a host 1.2 ms of the 18 that a
 * look takes. docs/decisions/007-p-256-first.md tells what was weighed.
 */
export function algorithmsFor(keyTypes: readonly string[]): Algorithms {
  const isKnown = (algorithm: string): boolean =>
    keyTypes.includes(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm);
  return {
    kex: [
      'ecdh-sha2-nistp256',
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
      'diffie-hellman-group14-sha256',
    ],
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'chacha20-poly1305@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
    ],
    hmac: [
      'hmac-sha2-256-etm@openssh.com',
      'hmac-sha2-512-etm@openssh.com',
      'hmac-sha2-256',
      'hmac-sha2-512',
    ],
    serverHostKey: [
      ...hostKeyAlgorithms.filter(isKnown),
      ...hostKeyAlgorithms.filter((algorithm) => !isKnown(algorithm)),
    ],
    compress: ['none'],
  };
}
