/** The hosts of one run: each reached when it is first asked for, over one connection that is kept; of many, those used last. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'ssh2';
import type { Clock, HostDeclared } from '../model/index.ts';
import { ProviderFailure } from '../model/index.ts';
import type { HostChannel, HostChannels } from './channel.ts';
import { hostFailure, type SshConnection } from './failures.ts';
import { IdleConnections } from './idle-connections.ts';
import { localChannel } from './local-host.ts';
import { OpensshHost } from './openssh-host.ts';
import { Setups } from './setups.ts';
import { connectSsh } from './ssh-connect.ts';
import { type AskPassphrase, SshCredentials } from './ssh-credentials.ts';
import { SshHost } from './ssh-host.ts';

export interface HostChannelsOptions {
  readonly clock: Clock;
  /** The agent's socket; by default the one that SSH_AUTH_SOCK names. */
  readonly agentSocket?: string;
  /** Undefined: nobody can be asked, and a key with a passphrase is an error. */
  readonly askPassphrase?: AskPassphrase;
}

/** Opens nothing yet. The hosts' names must be unique; jump hosts are found among them. */
export function openHostChannels(hosts: readonly HostDeclared[], options: HostChannelsOptions): HostChannels {
  const declared = new Map(hosts.map((host) => [host.name, host]));
  const credentials = new SshCredentials(
    options.agentSocket ?? process.env.SSH_AUTH_SOCK,
    options.askPassphrase,
  );
  const setups = new Setups();
  const idle = new IdleConnections();
  const locals = new Map<string, HostChannel>();
  const remotes = new Map<string, SshHost>();
  const programs = new Map<string, OpensshHost>();
  let sockets: string | undefined;
  let closed = false;

  const openssh = (host: HostDeclared, ssh: SshConnection): OpensshHost => {
    let channel = programs.get(host.name);
    if (channel === undefined) {
      const jump = jumpOf(declared, host, ssh);
      channel = new OpensshHost({
        host,
        ssh,
        setups,
        clock: options.clock,
        folder: () => {
          sockets ??= socketFolder();
          return sockets;
        },
        jump: jump === undefined ? undefined : openssh(jump.host, jump.ssh),
      });
      programs.set(host.name, channel);
    }
    return channel;
  };

  const remote = (host: HostDeclared, ssh: SshConnection): SshHost => {
    let channel = remotes.get(host.name);
    if (channel === undefined) {
      channel = new SshHost(host, ssh, (signal) => connect(host, ssh, signal), idle);
      remotes.set(host.name, channel);
    }
    return channel;
  };

  const connect = async (
    host: HostDeclared,
    ssh: SshConnection,
    signal: AbortSignal | undefined,
  ): Promise<Client> => {
    const jump = jumpOf(declared, host, ssh);
    const through =
      jump === undefined
        ? undefined
        : (timeoutMs: number) =>
            (jump.ssh.transport === 'openssh'
              ? openssh(jump.host, jump.ssh).forward(ssh.address, ssh.port, signal)
              : remote(jump.host, jump.ssh).dial(
                  { address: ssh.address, port: ssh.port },
                  { timeoutMs, ...(signal === undefined ? {} : { signal }) },
                )
            ).catch((error: unknown) => {
              throw throughJump(host, jump.host, error);
            });
    return connectSsh({ host, ssh, credentials, setups, clock: options.clock, signal, through });
  };

  return {
    async to(name, signal) {
      if (closed) throw new Error('the host channels are closed');
      const host = declared.get(name);
      if (host === undefined) throw new Error(`no host is called ${name}`);
      if (host.connection.kind === 'local') {
        const channel = locals.get(name) ?? localChannel(host);
        locals.set(name, channel);
        return channel;
      }
      const ssh = host.connection;
      const channel = ssh.transport === 'openssh' ? openssh(host, ssh) : remote(host, ssh);
      await channel.connection(signal);
      return channel;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const channel of remotes.values()) channel.close();
      for (const channel of programs.values()) channel.close();
      if (sockets !== undefined) rmSync(sockets, { recursive: true, force: true });
    },
  };
}

interface Jump {
  readonly host: HostDeclared;
  readonly ssh: SshConnection;
}

function jumpOf(
  declared: ReadonlyMap<string, HostDeclared>,
  host: HostDeclared,
  ssh: SshConnection,
): Jump | undefined {
  if (ssh.jump === undefined) return undefined;
  const seen = new Set([host.name]);
  for (let next: string | undefined = ssh.jump; next !== undefined; ) {
    if (seen.has(next)) {
      throw hostFailure(host, 'none', {
        code: 'jump-host-cycle',
        summary: 'Jump hosts lead in a circle',
        detail: `${host.name} is reached through ${[...seen].slice(1).join(', ')} and ${next} again.`,
        hint: 'Let one of them be reached directly: leave jump out of its ssh block.',
      });
    }
    seen.add(next);
    const connection: HostDeclared['connection'] | undefined = declared.get(next)?.connection;
    next = connection?.kind === 'ssh' ? connection.jump : undefined;
  }
  const jump = declared.get(ssh.jump);
  if (jump?.connection.kind === 'ssh') return { host: jump, ssh: jump.connection };
  throw hostFailure(host, 'none', {
    code: 'jump-host-unknown',
    summary: 'Jump host is not a host that is reached by SSH',
    detail: `${host.name} is to be reached through ${ssh.jump}, ${jump === undefined ? 'which is not declared' : 'which is this machine itself'}.`,
    hint: `Declare host "${ssh.jump}" with its address, or correct jump in the ssh block.`,
  });
}

function throughJump(host: HostDeclared, jump: HostDeclared, error: unknown): unknown {
  if (!(error instanceof ProviderFailure)) return error;
  return hostFailure(
    host,
    'none',
    {
      code: 'host-unreachable',
      summary: 'Host cannot be reached',
      detail: `${host.name} is reached through ${jump.name}, and that failed: ${error.diagnostic.detail}`,
      ...(error.diagnostic.hint === undefined ? {} : { hint: error.diagnostic.hint }),
    },
    error,
  );
}

/** Only its owner may enter: whoever opens a socket in it is logged in on the hosts. */
function socketFolder(): string {
  // ssh adds 17 characters to a socket's path while it makes it, and the system ends it at 104 or 108.
  const parent = tmpdir().length > 60 ? '/tmp' : tmpdir();
  return mkdtempSync(join(parent, 'dctl-ssh-'));
}
