/** One host over ssh2: one connection, at most eight commands on it at once, opened anew if it was lost. */
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import type { HostDeclared } from '../model/index.ts';
import { ProviderFailure } from '../model/index.ts';
import type { ExecuteOptions, Execution, HostChannel } from './channel.ts';
import { runScript } from './execution.ts';
import { interrupted, type SshConnection, unreachable, waitTogether } from './failures.ts';
import type { IdleConnections } from './idle-connections.ts';
import { KeptShell } from './kept-shell.ts';
import { KeptShells } from './kept-shells.ts';
import { loaderCommand, privilegedLoaderCommand, programCommand } from './loader.ts';
import { dialFailure } from './local-host.ts';
import { relay } from './relay.ts';
import { Sessions } from './sessions.ts';
import { type Forwarded, type ForwardOptions, forward, type Target } from './ssh-forward.ts';
import { isConnectionLost, openSshSession, type SshProgram } from './ssh-session.ts';

const goodbyeMs = 500;

/**
 * A host that answers within so many ms is near. What a switch asks of a proxy is some 14 ways there and back where it is
 * asked from here, and costs the proxy's processor 2 ms; by programs on its host it is none, and 10 to 40 ms.
 */
const nearMs = 10;

/** What OpenSSH answers beyond MaxSessions: RFC 4254's "connect failed", in this place for nothing else. */
const isSessionLimit = (error: unknown): boolean =>
  error instanceof ProviderFailure && (error.cause as { reason?: unknown } | undefined)?.reason === 2;

export class SshHost implements HostChannel {
  readonly host: string;
  readonly #declared: HostDeclared;
  readonly #ssh: SshConnection;
  readonly #connect: (signal: AbortSignal | undefined) => Promise<Client>;
  readonly #idle: IdleConnections;
  readonly #sessions = new Sessions();
  readonly #shells = new KeptShells();
  /** Commands and dialled streams, from before they have a connection until they are over. */
  #uses = 0;
  #connecting: Promise<Client> | undefined;
  /** While there is one. */
  #client: Client | undefined;
  #cause: unknown;
  /** The shortest that a shell took to answer; whoever is busy, here or there, measures too much. */
  #answeredMs = Number.POSITIVE_INFINITY;
  /** Its server makes connections for us, so far as we know. */
  #forwards = true;

  constructor(
    declared: HostDeclared,
    ssh: SshConnection,
    connect: (signal: AbortSignal | undefined) => Promise<Client>,
    idle: IdleConnections,
  ) {
    this.host = declared.name;
    this.#idle = idle;
    this.#declared = declared;
    this.#ssh = ssh;
    this.#connect = connect;
  }

  get isNear(): boolean {
    return this.#forwards && this.#answeredMs < nearMs;
  }

  /** The live connection; a lost or failed one is replaced. */
  connection(signal?: AbortSignal): Promise<Client> {
    return waitTogether(() => this.#connecting ?? this.#open(signal), signal);
  }

  #open(signal: AbortSignal | undefined): Promise<Client> {
    const forget = (): void => {
      if (this.#connecting === connecting) this.#forget();
    };
    const connecting = this.#connect(signal).then((client) => {
      this.#cause = undefined;
      this.#client = client;
      if (this.#uses === 0) this.#idle.leave(this);
      client.setMaxListeners(0);
      client.on('error', (error) => {
        this.#cause ??= error;
      });
      client.on('close', forget);
      return client;
    });
    this.#connecting = connecting;
    connecting.catch(forget);
    return connecting;
  }

  script(
    text: string,
    values: Readonly<Record<string, string>>,
    options: ExecuteOptions,
  ): Promise<Execution> {
    return options.mayShareShell === true && options.input === undefined
      ? this.#runInShell(text, values, options)
      : this.#run(text, values, options);
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
      const isProgram = !throughSudo && bytes === undefined && options.input === undefined;
      const program = await this.#start(isProgram ? programCommand : loaderFor(throughSudo), options);
      if (bytes !== undefined) program.sendInBulk();
      const execution = await runScript(program, {
        host: this.#declared,
        text,
        values,
        options,
        throughSudo,
        isProgram,
        ...(bytes === undefined ? {} : { bytes }),
        ...(onSent === undefined ? {} : { onSent }),
      });
      void program.closed.then(leave);
      return execution;
    } catch (error) {
      // What was given up may go on there for as long as it likes: its place is for those that come after it.
      leave();
      throw error;
    }
  }

  /** By a shell that waits, or else by a new one that will. */
  async #runInShell(
    text: string,
    values: Readonly<Record<string, string>>,
    options: ExecuteOptions,
  ): Promise<Execution> {
    const throughSudo = options.privileged === true && this.#needsSudo();
    const leave = this.#use();
    try {
      const shell = this.#shells.take(throughSudo) ?? (await this.#openShell(throughSudo, options));
      const execution = await runScript(shell.next(), {
        host: this.#declared,
        text,
        values,
        options,
        throughSudo,
      });
      this.#answeredMs = Math.min(this.#answeredMs, shell.answeredMs);
      if (this.#sessions.isFull) shell.end();
      else this.#shells.leave(throughSudo, shell);
      return execution;
    } finally {
      leave();
    }
  }

  async #openShell(throughSudo: boolean, options: ExecuteOptions): Promise<KeptShell> {
    const leave = await this.#session(options.signal);
    let isHeld = true;
    const leaveOnce = (): void => {
      if (isHeld) leave();
      isHeld = false;
    };
    try {
      const program = await this.#start(loaderFor(throughSudo), options);
      void program.closed.then(leaveOnce);
      return new KeptShell(program, leaveOnce);
    } catch (error) {
      leaveOnce();
      throw error;
    }
  }

  async dial(target: Target, options: ForwardOptions): Promise<Duplex> {
    const leave = this.#use();
    const outcome = await this.#forward(target, options).catch((error: unknown) => {
      leave();
      throw error;
    });
    if (outcome.at === 'connected') {
      outcome.stream.once('close', leave);
      return outcome.stream;
    }
    leave();
    // That our own connection ended says nothing of the port.
    if (outcome.at === 'lost') throw unreachable(this.#declared, this.#ssh, outcome.reason, outcome.cause);
    const failed = dialFailure(this.#declared, target, outcome.reason, outcome.cause);
    // A refused port is an answer. Forwarding that is switched off, or a socket file that the login user may not
    // open, is not: then a small program on the host connects in our place.
    const helpless = outcome.at === 'prohibited' || ('path' in target && outcome.at === 'refused');
    if (!helpless || options.signal?.aborted === true) throw failed;
    const throughSudo = 'path' in target && this.#needsSudo();
    const leaveSession = await this.#session(options.signal);
    try {
      const program = await this.#start(loaderFor(throughSudo), options);
      const duplex = await relay(program, this.#declared, target, throughSudo, options.timeoutMs);
      // What its server would not do, a program there did: a script of its own does the same for less.
      this.#forwards = false;
      void program.closed.then(leaveSession);
      return duplex;
    } catch (error) {
      leaveSession();
      throw error;
    }
  }

  /** As with a session: a connection that was lost while nothing was said shows with the next word. */
  async #forward(target: Target, options: ForwardOptions): Promise<Forwarded> {
    const client = await this.connection(options.signal);
    const outcome = await forward(client, target, options);
    if (outcome.at !== 'lost') return outcome;
    this.#abandon(client);
    return forward(await this.connection(options.signal), target, options);
  }

  /** The connection is of no use any more. */
  #abandon(client: Client): void {
    if (this.#client === client) this.#forget();
    client.destroy();
  }

  #needsSudo(): boolean {
    return this.#ssh.become === 'sudo' && this.#ssh.user !== 'root';
  }

  async #session(signal: AbortSignal | undefined): Promise<() => void> {
    if (this.#sessions.isFull) this.#shells.end();
    const leave = this.#use();
    try {
      const leavePlace = await this.#sessions.take(signal);
      return () => {
        leavePlace();
        leave();
      };
    } catch {
      leave();
      throw interrupted(this.#declared, 'none', 'A command');
    }
  }

  /** Until the function that it gives is called, the connection is not idle. */
  #use(): () => void {
    this.#uses += 1;
    this.#idle.take(this);
    return () => {
      this.#uses -= 1;
      if (this.#uses === 0 && this.#client !== undefined) this.#idle.leave(this);
    };
  }

  async #start(
    command: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<SshProgram> {
    let client = await this.connection(options.signal);
    const open = (): Promise<SshProgram> =>
      this.#sessions.open(
        () =>
          openSshSession(client, command, {
            timeoutMs: options.timeoutMs,
            failed: (reason, cause) => unreachable(this.#declared, this.#ssh, reason, cause),
            lostBy: () => this.#cause,
          }),
        (program) => program.closed,
        (error) => {
          const isFull = isSessionLimit(error);
          if (isFull) this.#shells.end();
          return isFull;
        },
        options.signal,
      );
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ProviderFailure) || !isConnectionLost(error.cause)) throw error;
      // The host was restarted, or a firewall forgot us, while nothing was said: that shows with the next word.
      this.#abandon(client);
      client = await this.connection(options.signal);
      return await open();
    }
  }

  /** The next one who asks gets a new connection. */
  #forget(): void {
    this.#connecting = undefined;
    this.#client = undefined;
    this.#idle.take(this);
  }

  /** For {@link IdleConnections}. */
  hangUp(): void {
    const client = this.#client;
    this.#forget();
    if (client !== undefined) sayGoodbye(client);
  }

  /** Says goodbye, and does not wait long for an answer: a dead host must not keep the program from ending. */
  close(): void {
    void this.#connecting?.then(sayGoodbye, () => {});
  }
}

const loaderFor = (throughSudo: boolean): string => (throughSudo ? privilegedLoaderCommand : loaderCommand);

function sayGoodbye(client: Client): void {
  client.end();
  setTimeout(() => client.destroy(), goodbyeMs).unref();
}
