/** `connection = "local"`: this machine, without SSH, by the same scripts. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { endpointText, type HostDeclared, systemReason, visible } from '../model/index.ts';
import type { ExecuteOptions, Execution, HostChannel } from './channel.ts';
import { type Program, runScript } from './execution.ts';
import { hostFailure, seconds } from './failures.ts';
import { loaderArguments } from './loader.ts';

/**
 * The channel to this machine. `privileged` changes nothing here: a local host declares no `become`, so scripts have
 * the rights of whoever runs deployctl.
 */
export function localChannel(host: HostDeclared): HostChannel {
  const run = (
    text: string,
    values: Readonly<Record<string, string>>,
    options: ExecuteOptions,
    bytes?: AsyncIterable<Uint8Array>,
    onSent?: (bytes: number) => void,
  ): Promise<Execution> =>
    runScript(startShell(), {
      host,
      text,
      values,
      options,
      throughSudo: false,
      ...(bytes === undefined ? {} : { bytes }),
      ...(onSent === undefined ? {} : { onSent }),
    });
  return {
    host: host.name,
    isHere: true,
    isNear: true,
    script: (text, values, options) => run(text, values, options),
    stream: (text, values, bytes, options) => run(text, values, options, bytes, options.onSent),
    dial: (target, options) => dialLocally(host, target, options),
  };
}

/** A shell in a process group of its own, so that giving it up reaches what it started. */
function startShell(): Program {
  const child = spawn('/bin/sh', loaderArguments, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<Awaited<Program['ended']>>((resolve) => {
    child.once('error', (cause) => resolve({ code: undefined, signal: undefined, lost: { cause } }));
    child.once('close', (code, signal) =>
      resolve({ code: code ?? undefined, signal: signal?.replace(/^SIG/, '') }),
    );
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    kill: () => {
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    },
  };
}

type Target = Parameters<HostChannel['dial']>[0];

/** How a person would write the target. */
export const targetName = (target: Target): string =>
  'path' in target ? target.path : endpointText(target.address, target.port);

export const dialFailure = (
  host: HostDeclared,
  target: Target,
  reason: string,
  cause?: unknown,
): ReturnType<typeof hostFailure> =>
  hostFailure(
    host,
    'none',
    {
      code: 'dial-failed',
      summary: 'No connection from the host',
      detail: `${host.name} could not connect to ${targetName(target)}: ${reason}.`,
    },
    cause,
  );

function dialLocally(
  host: HostDeclared,
  target: Target,
  options: Parameters<HostChannel['dial']>[1],
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket =
      'path' in target
        ? connect({ path: target.path })
        : connect({ host: target.address, port: target.port, noDelay: true });
    const settle = (failure: Error | undefined): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', aborted);
      socket.removeListener('error', failed);
      if (failure === undefined) resolve(socket);
      else {
        socket.on('error', () => {});
        socket.destroy();
        reject(failure);
      }
    };
    const failed = (error: NodeJS.ErrnoException): void =>
      settle(dialFailure(host, target, connectReason(error), error));
    const aborted = (): void => settle(dialFailure(host, target, 'given up'));
    const timer = setTimeout(
      () => settle(dialFailure(host, target, `no answer within ${seconds(options.timeoutMs)}`)),
      options.timeoutMs,
    );
    socket.once('error', failed);
    socket.once('connect', () => settle(undefined));
    if (options.signal?.aborted === true) aborted();
    else options.signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** What the operating system said, in words. */
export const connectReason = (error: Error): string =>
  visible(systemReason(error, { ENOENT: 'there is no such socket' }));
