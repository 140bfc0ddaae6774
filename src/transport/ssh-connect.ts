/**
 * From nothing to a logged-in SSH connection, within budgets that start when the host's own turn starts.
 *
 * Measured (facts of the SSH work, 1000 hosts on one sshd): without TCP_NODELAY a handshake stalls four times on
 * delayed acknowledgements (307 instead of 79 ms); more than 8 set-ups at once at one sshd run into its MaxStartups
 * of 10:30:100; a place in the queue that a dead host holds costs every live host behind it, so a place is given up
 * after a second of waiting; a banner that is late while many set-ups compete is our own doing and gets one patient
 * second try, a refused login never does (OpenSSH 9.8 and later punish the whole address for it).
 */
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import type { Clock, HostDeclared } from '../model/index.ts';
import { type ProviderFailure, visible } from '../model/index.ts';
import {
  hostFailure,
  hostKeyFailure,
  interrupted,
  type SshConnection,
  seconds,
  unreachable,
  whereOf,
} from './failures.ts';
import { keyTypeOf } from './known-hosts.ts';
import { Limit } from './limits.ts';
import { connectReason } from './local-host.ts';
import { algorithmsFor } from './ssh-algorithms.ts';
import type { SshCredentials } from './ssh-credentials.ts';

/** Set-ups at once, over all hosts: as many to begin with, at least and at most. Over a WAN 160 hosts fill one core. */
const setupsToBegin = 32;
const setupsAtLeast = 16;
const setupsAtMost = 160;
/** Set-ups at once towards one address: OpenSSH drops connections from the eleventh on (MaxStartups). */
const setupsPerAddress = 8;
/** How long a host that says nothing may keep its place in the queue of set-ups. */
const silentPlaceMs = 1_000;
/** The budget of each phase of the second try. */
const patientMs = 10_000;
const keepaliveIntervalMs = 5_000;
const keepaliveCount = 3;

/**
 * How many set-ups may go on at once. It grows while they take no longer for it, and shrinks when they queue up
 * somewhere: on a slow link more at once is faster, on a busy machine it only makes each of them late.
 */
export class SetupLimits {
  readonly everywhere = new Limit(setupsToBegin);
  readonly #addresses = new Map<string, Limit>();
  #fastestMs = Number.POSITIVE_INFINITY;
  #slowestMs = 0;

  towards(address: string): Limit {
    let limit = this.#addresses.get(address);
    if (limit === undefined) {
      limit = new Limit(setupsPerAddress);
      this.#addresses.set(address, limit);
    }
    return limit;
  }

  /** A handshake that ended well took this long. */
  took(ms: number): void {
    this.#fastestMs = Math.min(this.#fastestMs, ms);
    // Forgets slowly: what was slow a hundred handshakes ago is no reason for patience now.
    this.#slowestMs = Math.max(ms, this.#slowestMs * 0.97);
    const queued = ms > Math.max(400, 3 * this.#fastestMs);
    const { size } = this.everywhere;
    const next = queued ? size * 0.95 : size + 1;
    this.everywhere.resize(Math.min(setupsAtMost, Math.max(setupsAtLeast, next)));
  }

  /** Whether live hosts have needed so long that a host which is late may be late through our own doing. */
  isBusy(budgetMs: number): boolean {
    return this.#slowestMs > budgetMs / 5;
  }
}

export interface ConnectInput {
  readonly host: HostDeclared;
  readonly ssh: SshConnection;
  readonly credentials: SshCredentials;
  readonly limits: SetupLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Opens the byte stream to the host through its jump host; undefined: directly over TCP. */
  readonly through: ((timeoutMs: number) => Promise<Duplex>) | undefined;
}

/** Why one try failed: `final` can not get better, `lost` was cut by the other side, `slow` was not answered in time. */
class TryFailure extends Error {
  readonly kind: 'final' | 'lost' | 'slow';
  readonly failure: ProviderFailure;

  constructor(kind: 'final' | 'lost' | 'slow', failure: ProviderFailure) {
    super(failure.message);
    this.kind = kind;
    this.failure = failure;
  }
}

/** Throws a `ProviderFailure` with `effect: 'none'`: until this resolves, no command has been sent. */
export async function connectSsh(input: ConnectInput): Promise<Client> {
  const { limits, ssh, host, clock } = input;
  let hostKeyTypes: readonly string[] | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const leaveAddress = await place(input, limits.towards(`${ssh.jump ?? ''} ${ssh.address}:${ssh.port}`));
    const budgetMs = attempt === 1 ? ssh.connectTimeoutMs : Math.max(patientMs, ssh.connectTimeoutMs);
    try {
      return await tryOnce(input, budgetMs, hostKeyTypes);
    } catch (error) {
      if (error instanceof KnownByOtherType && hostKeyTypes === undefined) {
        hostKeyTypes = error.types;
        continue;
      }
      if (!(error instanceof TryFailure)) throw error;
      const again =
        error.kind === 'lost'
          ? attempt <= 3
          : error.kind === 'slow' && attempt === 1 && limits.isBusy(budgetMs);
      if (!again) throw error.failure;
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

/** The offered key is not known, but keys of other types are: they may be there when asked for. */
class KnownByOtherType extends Error {
  readonly types: readonly string[];

  constructor(types: readonly string[]) {
    super('known by a key of another type');
    this.types = types;
  }
}

async function tryOnce(
  input: ConnectInput,
  budgetMs: number,
  wantedKeyTypes: readonly string[] | undefined,
): Promise<Client> {
  const { host, ssh, credentials } = input;
  const method = await credentials.authentication(host, ssh);
  const known = await credentials.knownHosts(host, ssh);
  const keyTypes = wantedKeyTypes ?? known.typesOf(ssh.address, ssh.port);
  const ssh2 = (await import('ssh2')).default;

  let leave = await place(input, input.limits.everywhere);
  let isPlaceGone = false;
  const silent = setTimeout(() => {
    isPlaceGone = true;
    leave();
  }, silentPlaceMs);
  let socket: Duplex | undefined;
  let verdict: Error | undefined;
  try {
    const stream = await (input.through?.(budgetMs) ?? tcp(input, budgetMs));
    socket = stream;
    await banner(input, stream, budgetMs);
    // It lives. If it was so late that its place is gone, it takes another: the handshake is what costs.
    clearTimeout(silent);
    if (isPlaceGone) leave = await place(input, input.limits.everywhere);
    const begun = performance.now();
    return await new Promise<Client>((resolve, reject) => {
      const client = new ssh2.Client();
      const fail = (error: Error): void => {
        clearTimeout(timer);
        input.signal?.removeEventListener('abort', aborted);
        client.destroy();
        reject(error);
      };
      const slow = (): void =>
        fail(
          new TryFailure(
            'slow',
            unreachable(host, ssh, `did not finish the SSH handshake within ${seconds(budgetMs)}`),
          ),
        );
      // A host that gets on is slow, not dead: each phase starts the budget anew.
      let timer = setTimeout(slow, budgetMs);
      const heard = (): void => {
        clearTimeout(timer);
        timer = setTimeout(slow, budgetMs);
      };
      const aborted = (): void => fail(interrupted(host, 'none', 'Connecting'));
      input.signal?.addEventListener('abort', aborted, { once: true });
      client.on('error', (error) => fail(verdict ?? explain(host, ssh, error)));
      client.on('close', () =>
        fail(
          verdict ??
            new TryFailure('lost', unreachable(host, ssh, 'closed the connection during the SSH handshake')),
        ),
      );
      client.on('handshake', heard);
      client.on('ready', () => {
        client.removeListener('handshake', heard);
        clearTimeout(timer);
        input.limits.took(performance.now() - begun);
        input.signal?.removeEventListener('abort', aborted);
        client.removeAllListeners('close');
        resolve(client);
      });
      let offered = false;
      client.connect({
        sock: stream as Socket,
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
        algorithms: algorithmsFor(keyTypes),
        strictVendor: false,
        readyTimeout: 0,
        keepaliveInterval: keepaliveIntervalMs,
        keepaliveCountMax: keepaliveCount,
      });
    });
  } catch (error) {
    socket?.on('error', () => {});
    socket?.destroy();
    throw error;
  } finally {
    clearTimeout(silent);
    leave();
  }
}

function tcp(input: ConnectInput, budgetMs: number): Promise<Duplex> {
  const { host, ssh, signal } = input;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ssh.address, port: ssh.port, noDelay: true });
    const settle = (failure: Error | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      if (failure === undefined) {
        socket.removeListener('error', failed);
        resolve(socket);
      } else {
        socket.on('error', () => {});
        socket.destroy();
        reject(failure);
      }
    };
    const failed = (error: NodeJS.ErrnoException): void => {
      const kind = error.code === 'ECONNRESET' ? 'lost' : 'final';
      settle(new TryFailure(kind, unreachable(host, ssh, `does not answer: ${connectReason(error)}`, error)));
    };
    const aborted = (): void => settle(interrupted(host, 'none', 'Connecting'));
    const timer = setTimeout(
      // The kernel has sent SYN three times by then; a patient second try would only double the price of a dead host.
      () =>
        settle(new TryFailure('final', unreachable(host, ssh, `did not answer within ${seconds(budgetMs)}`))),
      budgetMs,
    );
    socket.once('error', failed);
    socket.once('connect', () => settle(undefined));
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** Waits until the server has said something, without taking it. */
function banner(input: ConnectInput, socket: Duplex, budgetMs: number): Promise<void> {
  const { host, ssh, signal } = input;
  return new Promise((resolve, reject) => {
    const settle = (failure: Error | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      for (const [event, listener] of listeners) socket.removeListener(event, listener);
      if (failure === undefined) resolve();
      else reject(failure);
    };
    const lost = (error?: Error): void =>
      settle(
        new TryFailure(
          'lost',
          unreachable(
            host,
            ssh,
            'closed the connection before the SSH handshake (too many at once, or the host refuses this address for a while)',
            error,
          ),
        ),
      );
    const said = (): void => {
      if (socket.readableLength > 0) settle(undefined);
      else if (socket.readableEnded || socket.destroyed) lost();
    };
    const aborted = (): void => settle(interrupted(host, 'none', 'Connecting'));
    const timer = setTimeout(
      () =>
        settle(
          new TryFailure(
            'slow',
            unreachable(host, ssh, `accepted the connection but said nothing within ${seconds(budgetMs)}`),
          ),
        ),
      budgetMs,
    );
    const over = (): void => lost();
    const listeners: readonly [string, (error?: Error) => void][] = [
      ['readable', said],
      ['error', lost],
      ['end', over],
      ['close', over],
    ];
    for (const [event, listener] of listeners) socket.on(event, listener);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** What ssh2 says, in words with a next step. */
function explain(host: HostDeclared, ssh: SshConnection, error: Error & { level?: string }): Error {
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
