/**
 * From nothing to a logged-in SSH connection, within budgets that start when the host's own turn starts.
 *
 * Measured (1,000 hosts on one sshd): without TCP_NODELAY a handshake stalls four times on delayed acknowledgements (307
 * instead of 79 ms). A connection that is cut off early is tried again, because sshd does so when many come at once;
 * a refused login never is: OpenSSH 9.8 and later shut out the whole address for it.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import type { Clock, HostDeclared } from '../model/index.ts';
import {
  excerpt,
  hostKeyFailure,
  interrupted,
  type SshConnection,
  seconds,
  unreachable,
} from './failures.ts';
import { keyTypeOf } from './known-hosts.ts';
import type { Limit } from './limits.ts';
import type { Setups, Watch } from './setups.ts';
import { algorithmsFor } from './ssh-algorithms.ts';
import { loadSsh2, type SshCredentials } from './ssh-credentials.ts';
import { dialTcp, firstWords } from './ssh-dial.ts';
import { explain, KnownByOtherType, TryFailure } from './ssh-tries.ts';
import { economize, writeTogether } from './ssh2-economy.ts';

/**
 * A connection that is silent for 7 s is asked whether it lives, at most twice: a frozen host is noticed after 21 s. Three
 * times every 5 s would notice it no sooner, and with 1,000 hosts costs half as much again for as long as the run lasts.
 */
const keepaliveIntervalMs = 7_000;
const keepaliveCount = 2;
/** How often a host that cuts us off early is tried: MaxStartups is a matter of a moment. */
const attempts = 5;

export interface ConnectInput {
  readonly host: HostDeclared;
  readonly ssh: SshConnection;
  readonly credentials: SshCredentials;
  readonly setups: Setups;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Opens the byte stream to the host through its jump host; undefined: directly over TCP. */
  readonly through: ((timeoutMs: number) => Promise<Duplex>) | undefined;
}

/** Throws a `ProviderFailure` with `effect: 'none'`: until this resolves, no command has been sent. */
export async function connectSsh(input: ConnectInput): Promise<Client> {
  const { setups, ssh, host, clock } = input;
  const address = `${ssh.jump ?? ''} ${ssh.address}:${ssh.port}`;
  let hostKeyTypes: readonly string[] | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const leaveAddress = await place(input, setups.towards(address));
    try {
      return await tryOnce(input, hostKeyTypes);
    } catch (error) {
      if (error instanceof KnownByOtherType && hostKeyTypes === undefined) {
        hostKeyTypes = error.types;
        continue;
      }
      if (!(error instanceof TryFailure)) throw error;
      if (error.kind === 'final' || attempt === attempts) throw error.failure;
      setups.wasRefused(address);
    } finally {
      leaveAddress();
    }
    // Spread by the host's name: many hosts behind one sshd must not come back in step. No randomness needed.
    await clock.sleep(100 * 2 ** attempt + spread(host.name, 300), input.signal);
    if (input.signal?.aborted === true) throw interrupted(host, 'none', 'Connecting');
  }
}

async function place(input: ConnectInput, limit: Limit): Promise<() => void> {
  try {
    return await limit.take(input.signal);
  } catch {
    throw interrupted(input.host, 'none', 'Connecting');
  }
}

const spread = (text: string, below: number): number => {
  let sum = 7;
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % below;
};

async function tryOnce(input: ConnectInput, wantedKeyTypes: readonly string[] | undefined): Promise<Client> {
  const { host, ssh, credentials, setups } = input;
  // Before the host's turn: a key may have to be unlocked by a person.
  await credentials.authentication(host, ssh);
  const leave = await place(input, setups.everywhere);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(interrupted(host, 'none', 'Connecting'));
  let missing = 'did not answer';
  const watch = setups.watch(ssh.connectTimeoutMs, {
    quiet: leave,
    late: (silentMs) =>
      stop.abort(new TryFailure('final', unreachable(host, ssh, `${missing} within ${seconds(silentMs)}`))),
  });
  input.signal?.addEventListener('abort', interrupt, { once: true });
  let socket: Duplex | undefined;
  try {
    if (input.signal?.aborted === true) interrupt();
    socket = await (input.through?.(ssh.connectTimeoutMs) ?? dialTcp(host, ssh, stop.signal));
    missing = 'accepted the connection but said nothing';
    await firstWords(host, ssh, socket, stop.signal);
    watch.heard();
    missing = 'did not finish the SSH handshake';
    return await handshake(input, socket, watch, stop.signal, wantedKeyTypes);
  } catch (error) {
    socket?.on('error', () => {});
    socket?.destroy();
    throw error;
  } finally {
    input.signal?.removeEventListener('abort', interrupt);
    watch.end();
    leave();
  }
}

async function handshake(
  input: ConnectInput,
  socket: Duplex,
  watch: Watch,
  signal: AbortSignal,
  wantedKeyTypes: readonly string[] | undefined,
): Promise<Client> {
  const { host, ssh, credentials } = input;
  const method = await credentials.authentication(host, ssh);
  const known = await credentials.knownHosts(host, ssh);
  const { Client } = await loadSsh2();
  signal.throwIfAborted();
  writeTogether(socket);
  return await new Promise<Client>((resolve, reject) => {
    const client = new Client();
    // ssh2's own does nothing once end() was called: a connection whose other side is gone would then keep this process
    // alive until TCP gives it up, a quarter of an hour later.
    client.destroy = () => {
      socket.destroy();
      return client;
    };
    // Once our last words are sent: that the other side closes as well is nothing to stay for.
    const end = client.end.bind(client);
    client.end = () => {
      end();
      if (socket instanceof Socket) socket.destroySoon();
      return client;
    };
    let verdict: Error | undefined;
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', aborted);
      client.destroy();
      reject(error);
    };
    const aborted = (): void => fail(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    client.on('error', (error) => fail(verdict ?? explain(host, ssh, error)));
    // pam_nologin on a host that is booting or shutting down turns users away so, with its reason.
    let banner = '';
    client.on('banner', (message) => {
      banner = message;
    });
    client.on('close', () => {
      const said = banner.trim() === '' ? 'during the SSH handshake' : `and said: ${excerpt(banner)}`;
      fail(verdict ?? new TryFailure('lost', unreachable(host, ssh, `closed the connection ${said}`)));
    });
    // A host that gets on is slow, not dead: each phase starts the budget anew.
    const heard = (): void => watch.heard();
    client.on('handshake', heard);
    client.on('handshake', () => economize(client, method.type === 'publickey' ? method.key : undefined));
    client.on('ready', () => {
      client.removeListener('handshake', heard);
      watch.heard();
      signal.removeEventListener('abort', aborted);
      client.removeAllListeners('close');
      resolve(client);
    });
    let offered = false;
    client.connect({
      sock: socket as Socket,
      username: ssh.user,
      authHandler: () => {
        // One method, tried once: every further try counts against us (MaxAuthTries, PerSourcePenalties).
        if (offered) return false;
        offered = true;
        return method;
      },
      hostVerifier: (key: Buffer) => {
        heard();
        const result = known.verify(ssh.address, ssh.port, key);
        const failure = hostKeyFailure(host, ssh, keyTypeOf(key), result);
        if (failure === undefined) return true;
        const others = result.verdict === 'changed' ? result.known.map((each) => each.type) : [];
        verdict =
          others.length > 0 && !others.includes(keyTypeOf(key)) && wantedKeyTypes === undefined
            ? new KnownByOtherType(others)
            : failure;
        return false;
      },
      algorithms: algorithmsFor(wantedKeyTypes ?? known.typesOf(ssh.address, ssh.port)),
      strictVendor: false,
      readyTimeout: 0,
      keepaliveInterval: keepaliveIntervalMs,
      keepaliveCountMax: keepaliveCount,
    });
  });
}
