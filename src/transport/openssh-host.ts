/**
 * One host over the ssh program: one connection that is kept (ControlMaster), and a small ssh for each command on it.
 *
 * The connection is a child of ours in a session of its own, so that Ctrl-C at the terminal does not reach it and it cannot
 * ask there; a shell beside it ends it when our end of a pipe closes, even if we were killed.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, endpointText, type HostDeclared, type ProviderFailure } from '../model/index.ts';
import type { ExecuteOptions, Execution, HostChannel } from './channel.ts';
import { type Program, runScript } from './execution.ts';
import {
  interrupted,
  type SshConnection,
  scriptNotStarted,
  seconds,
  unreachable,
  waitTogether,
} from './failures.ts';
import type { Limit } from './limits.ts';
import { forwardArguments, masterArguments } from './openssh-command.ts';
import { explainOpenssh, opensshMissing } from './openssh-failures.ts';
import { startSession } from './openssh-session.ts';
import { relay } from './relay.ts';
import { Sessions } from './sessions.ts';
import type { Setups } from './setups.ts';

const connectAttempts = 5;
const socketPollMs = 10;
const saidLimit = 16_384;

/** Ends ssh when standard input does: when we close it, and when we are gone. */
const keeper = `exec 3<&0
ssh "$@" </dev/null 3<&- & ssh=$!
{ read -r _ <&3; kill "$ssh" 2>/dev/null; } & keeper=$!
wait "$ssh"; code=$?
kill "$keeper" 2>/dev/null
exit "$code"`;

export interface OpensshInput {
  readonly host: HostDeclared;
  readonly ssh: SshConnection;
  readonly setups: Setups;
  readonly clock: Clock;
  /** A private folder whose name is short: paths of sockets end at about 100 characters. */
  readonly folder: () => string;
  readonly jump: OpensshHost | undefined;
}

interface Master {
  readonly socket: string;
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<void>;
}

type Target = Parameters<HostChannel['dial']>[0];
type DialOptions = Parameters<HostChannel['dial']>[1];

let sockets = 0;

/** The server has no session left for this connection (MaxSessions). */
class SessionRefused extends Error {
  readonly failure: ProviderFailure;

  constructor(failure: ProviderFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

export class OpensshHost implements HostChannel {
  readonly host: string;
  readonly #input: OpensshInput;
  readonly #sessions = new Sessions();
  #connecting: Promise<Master> | undefined;

  constructor(input: OpensshInput) {
    this.host = input.host.name;
    this.#input = input;
  }

  /** The live connection; a lost or failed one is replaced. */
  connection(signal?: AbortSignal): Promise<Master> {
    return waitTogether(() => this.#connecting ?? this.#open(signal), signal);
  }

  #open(signal: AbortSignal | undefined): Promise<Master> {
    const connecting = this.#connect(signal);
    const forget = (): void => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    };
    this.#connecting = connecting;
    connecting.then((master) => master.ended.then(forget), forget);
    return connecting;
  }

  async #connect(signal: AbortSignal | undefined): Promise<Master> {
    const { host, ssh, setups, clock } = this.#input;
    const address = `${ssh.jump ?? ''} ${ssh.address}:${ssh.port}`;
    for (let attempt = 1; ; attempt += 1) {
      const leave = await this.#place(setups.towards(address), signal);
      try {
        const outcome = await this.#startMaster(signal);
        if (!('failure' in outcome)) return outcome;
        if (!outcome.again || attempt === connectAttempts) throw outcome.failure;
      } finally {
        leave();
      }
      setups.wasRefused(address);
      await clock.sleep(100 * 2 ** attempt, signal);
      if (signal?.aborted === true) throw interrupted(host, 'none', 'Connecting');
    }
  }

  async #place(limit: Limit, signal: AbortSignal | undefined): Promise<() => void> {
    try {
      return await limit.take(signal);
    } catch {
      throw interrupted(this.#input.host, 'none', 'Connecting');
    }
  }

  async #startMaster(signal: AbortSignal | undefined): Promise<Master | ReturnType<typeof explainOpenssh>> {
    const { host, ssh, setups, jump } = this.#input;
    const way =
      jump === undefined
        ? undefined
        : ['ssh', ...forwardArguments(jump.#input.ssh, (await jump.connection(signal)).socket, '[%h]:%p')];
    const leave = await this.#place(setups.everywhere, signal);
    sockets += 1;
    const socket = `${this.#input.folder()}/${sockets}`;
    const child = spawn('sh', ['-c', keeper, 'sh', ...masterArguments(ssh, socket, way)], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdin.on('error', () => {});
    child.stdout.resume();
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-saidLimit);
    });
    let isEnded = false;
    const ended = new Promise<void>((resolve) => {
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    }).then(() => {
      isEnded = true;
    });
    let lateMs = 0;
    // ssh bounds the connect and the banner by itself, and nothing of the handshake behind them.
    const watch = setups.watch(2 * ssh.connectTimeoutMs, {
      quiet: leave,
      late: (silentMs) => {
        lateMs = silentMs;
      },
    });
    try {
      // The socket appears when the login is done, and not before.
      while (!existsSync(socket)) {
        const isStopped = signal?.aborted === true;
        if (isEnded || isStopped || lateMs > 0) {
          child.stdin.destroy();
          if (isStopped) throw interrupted(host, 'none', 'Connecting');
          if (lateMs > 0)
            throw unreachable(host, ssh, `did not finish the SSH handshake within ${seconds(lateMs)}`);
          if (child.exitCode === 127) throw opensshMissing(host, said);
          return explainOpenssh(host, ssh, said);
        }
        await Promise.race([sleep(socketPollMs), ended]);
      }
      watch.heard();
      child.unref();
      return { socket, process: child, ended };
    } finally {
      watch.end();
      leave();
    }
  }

  script(
    text: string,
    values: Readonly<Record<string, string>>,
    options: ExecuteOptions,
  ): Promise<Execution> {
    return this.#run(text, values, options);
  }

  stream(
    text: string,
    values: Readonly<Record<string, string>>,
    bytes: AsyncIterable<Uint8Array>,
    options: ExecuteOptions & { readonly onSent?: (bytes: number) => void },
  ): Promise<Execution> {
    return this.#run(text, values, options, bytes, options.onSent);
  }

  async #run(
    text: string,
    values: Readonly<Record<string, string>>,
    options: ExecuteOptions,
    bytes?: AsyncIterable<Uint8Array>,
    onSent?: (bytes: number) => void,
  ): Promise<Execution> {
    const leave = await this.#session(options.signal);
    try {
      const throughSudo = options.privileged === true && this.#needsSudo();
      return await runScript(await this.#start(throughSudo, options), {
        host: this.#input.host,
        text,
        values,
        options,
        throughSudo,
        ...(bytes === undefined ? {} : { bytes }),
        ...(onSent === undefined ? {} : { onSent }),
      });
    } finally {
      leave();
    }
  }

  /** By a small program on the host: ssh itself does not say whether a forwarded connection was made. */
  async dial(target: Target, options: DialOptions): Promise<Duplex> {
    const throughSudo = 'path' in target && this.#needsSudo();
    const leave = await this.#session(options.signal);
    try {
      const program = await this.#start(throughSudo, options);
      const duplex = await relay(program, this.#input.host, target, throughSudo, options.timeoutMs);
      void program.ended.then(leave);
      return duplex;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The bytes of a connection that the host makes for another one behind it; it ends at once where that fails. */
  async forward(address: string, port: number, signal: AbortSignal | undefined): Promise<Duplex> {
    const { socket } = await this.connection(signal);
    const child = spawn('ssh', forwardArguments(this.#input.ssh, socket, endpointText(address, port)), {
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.on('error', () => {});
    const duplex = Duplex.from({ readable: child.stdout, writable: child.stdin });
    duplex.once('close', () => child.kill());
    return duplex;
  }

  #needsSudo(): boolean {
    return this.#input.ssh.become === 'sudo' && this.#input.ssh.user !== 'root';
  }

  async #session(signal: AbortSignal | undefined): Promise<() => void> {
    try {
      return await this.#sessions.take(signal);
    } catch {
      throw interrupted(this.#input.host, 'none', 'A command');
    }
  }

  async #start(
    throughSudo: boolean,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Program> {
    const { socket } = await this.connection(options.signal);
    return await this.#sessions
      .open(
        () => this.#openSession(socket, throughSudo, options),
        (program) => program.ended,
        (error) => error instanceof SessionRefused,
        options.signal,
      )
      .catch((error: unknown) => {
        throw error instanceof SessionRefused ? error.failure : error;
      });
  }

  async #openSession(
    socket: string,
    throughSudo: boolean,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Program> {
    const { host, ssh } = this.#input;
    const outcome = await startSession(ssh, socket, throughSudo, options);
    if ('program' in outcome) return outcome.program;
    const { code, said } = outcome;
    if (options.signal?.aborted === true) throw interrupted(host, 'none', 'A command');
    if (outcome.isLate)
      throw unreachable(host, ssh, `did not open a session within ${seconds(options.timeoutMs)}`);
    // 255 is ssh's own: whatever login shell there is was not reached.
    if (/refused by peer|no more sessions/i.test(said))
      throw new SessionRefused(
        unreachable(host, ssh, 'refused a session: it has no more for this connection'),
      );
    if (code === 255) throw unreachable(host, ssh, 'closed the connection');
    throw scriptNotStarted(host, throughSudo, code, said);
  }

  /** Ends the connection; its process goes within moments. */
  close(): void {
    void this.#connecting?.then(
      (master) => master.process.stdin.destroy(),
      () => {},
    );
  }
}
