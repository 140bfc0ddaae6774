/**
 * One SSH host of the lab: ssh2's server on loopback, with what deployctl asks of a host and nothing else. It runs
 * commands, and connects to loopback addresses and unix sockets for who asks. It has no terminal, no sftp and no
 * password, and it is no place to keep anything.
 */
import { timingSafeEqual } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import { type AuthContext, type Connection, type ParsedKey, Server, type Session, utils } from 'ssh2';
import { systemReason } from '../../model/index.ts';
import { type HostHome, runCommand } from './command.ts';

export interface HostOptions extends HostHome {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  /** OpenSSH private key. */
  readonly hostKey: string;
  /** The one public key that may log in, as in authorized_keys. */
  readonly authorizedKey: string;
}

export interface RunningHost {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Ends every connection and stops listening; commands that still run go on, as after a network cut. */
  close(): Promise<void>;
}

/** Rejects where the address is taken or is not this machine's. */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const authorized = parseKey(options.authorizedKey);
  const sockets = new Set<Socket>();
  const ssh = new Server({ hostKeys: [options.hostKey], ident: 'deployctl-lab' }, (connection) => {
    connection.on('error', () => {}); // a client that goes without a word; the host lives on
    connection.on('authentication', (attempt) => {
      if (mayLogIn(attempt, options.user, authorized)) attempt.accept();
      else attempt.reject(['publickey']);
    });
    connection.on('ready', () => serve(connection, options));
  });
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    ssh.injectSocket(socket);
  });
  await listen(listener, options);
  const { port } = listener.address() as AddressInfo;
  return {
    name: options.name,
    address: options.address,
    port,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function listen(server: NetServer, { address, port, name }: HostOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Error(`${name} cannot listen on ${address}:${port}: ${systemReason(error)}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host: address, port }, resolve);
  });
}

function parseKey(text: string): ParsedKey {
  const key = utils.parseKey(text);
  if (key instanceof Error)
    throw new Error(`the lab's own key cannot be read: ${key.message}`, { cause: key });
  return Array.isArray(key) ? (key[0] as ParsedKey) : key;
}

function mayLogIn(attempt: AuthContext, user: string, authorized: ParsedKey): boolean {
  if (attempt.method !== 'publickey' || attempt.username !== user) return false;
  const known = authorized.getPublicSSH();
  const offered = attempt.key.data;
  if (offered.length !== known.length || !timingSafeEqual(offered, known)) return false;
  // Without a signature the client only asks whether it may try this key.
  if (attempt.signature === undefined || attempt.blob === undefined) return true;
  return authorized.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true;
}

function serve(connection: Connection, home: HostHome): void {
  connection.on('session', (accept) => {
    const session: Session = accept();
    session.on('env', (acceptEnv) => acceptEnv?.());
    session.on('exec', (acceptExec, _reject, { command }) => {
      runCommand(command, home, acceptExec());
    });
    session.on('shell', (acceptShell) => {
      runCommand('exec sh', home, acceptShell());
    });
  });
  connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
    if (!isLoopback(destIP)) reject();
    else relay(connect({ host: destIP, port: destPort, noDelay: true }), accept, reject);
  });
  connection.on('openssh.streamlocal', (accept, reject, { socketPath }) => {
    relay(connect({ path: socketPath }), accept, reject);
  });
}

/** The lab must not become a way from one machine to others. */
const isLoopback = (address: string): boolean => /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(address);

type Accept = (() => NodeJS.ReadWriteStream & { destroy(): void }) | undefined;

function relay(socket: Socket, accept: Accept, reject: (() => void) | undefined): void {
  socket.once('error', () => reject?.());
  socket.once('connect', () => {
    socket.removeAllListeners('error');
    const channel = accept?.();
    if (channel === undefined) {
      socket.destroy();
      return;
    }
    socket.on('error', () => channel.destroy());
    channel.on('error', () => socket.destroy());
    channel.on('close', () => socket.destroy());
    socket.pipe(channel).pipe(socket);
  });
}
