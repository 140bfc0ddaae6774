/**
 * DNS messages to a server and back, over UDP and TCP. What is in them is not this file's business, but for the id of
 * a UDP reply and the length before each message on a stream (RFC 1035 section 4.2).
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import { type DnsEndpoint, endpointText, ProviderFailure } from '../model/index.ts';

export interface DnsExchangeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** `10.0.0.53:53`, `[2001:db8::53]:53`. */
export const serverText = ({ host, port }: DnsEndpoint): string => endpointText(host, port);

function failure(
  server: DnsEndpoint,
  effect: 'none' | 'maybe',
  code: string,
  summary: string,
  detail: string,
  cause?: unknown,
): ProviderFailure {
  return new ProviderFailure(
    {
      code,
      severity: 'error',
      summary,
      detail: `${serverText(server)} ${detail}.`,
      hint: `Ask it yourself:\n    dig @${server.host} -p ${server.port} +norecurse . SOA`,
    },
    effect,
    cause,
  );
}

const silent = (server: DnsEndpoint, effect: 'none' | 'maybe', timeoutMs: number): ProviderFailure =>
  failure(
    server,
    effect,
    'dns-server-silent',
    'A DNS server does not answer',
    `gave no answer for ${timeoutMs / 1000} s`,
  );

const stopped = (server: DnsEndpoint, effect: 'none' | 'maybe'): ProviderFailure =>
  failure(
    server,
    effect,
    'interrupted',
    'The step was interrupted',
    'was being asked when deployctl was told to stop',
  );

/** One question by UDP, sent again once after half of the time: a question has no effect. Answers with another id are not ours. */
export function askByUdp(
  server: DnsEndpoint,
  bytes: Uint8Array,
  { timeoutMs, signal }: DnsExchangeOptions,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
    const end = (settle: () => void): void => {
      clearTimeout(again);
      clearTimeout(late);
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      // An error after the end is nobody's: without a listener it would end the process.
      socket.on('error', () => {});
      socket.close();
      settle();
    };
    const broken = (error: Error): void =>
      end(() =>
        reject(
          failure(
            server,
            'none',
            'dns-server-unreachable',
            'A DNS server cannot be reached',
            `cannot be reached (${codeOf(error)})`,
            error,
          ),
        ),
      );
    const send = (): void => socket.send(bytes, (error) => (error === null ? undefined : broken(error)));
    const again = setTimeout(send, timeoutMs / 2);
    const late = setTimeout(() => end(() => reject(silent(server, 'none', timeoutMs))), timeoutMs);
    const onAbort = (): void => end(() => reject(stopped(server, 'none')));
    if (signal?.aborted === true) {
      onAbort();
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', broken);
    socket.on('message', (reply) => {
      if (reply.length >= 12 && reply[0] === bytes[0] && reply[1] === bytes[1]) end(() => resolve(reply));
    });
    // Connected: the kernel drops what comes from anywhere else, and says so where nobody listens.
    socket.connect(server.port, server.host, send);
  });
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error
    ? String(error.code)
    : error instanceof Error
      ? error.message
      : String(error);

/** A kernel takes a connection at once: who waits longer is talking to a machine without power, or to a firewall. */
const longestConnectMs = 5_000;

/**
 * The messages that a server sends in answer to one, over TCP, until the caller has enough. Throws a
 * {@link ProviderFailure}: `none` if the request cannot have reached the server, `maybe` afterwards. `timeoutMs` is for
 * all that comes after the connect, which may take that long too, and never longer than 5 s.
 */
export async function* streamByTcp(
  server: DnsEndpoint,
  bytes: Uint8Array,
  { timeoutMs, signal }: DnsExchangeOptions,
): AsyncGenerator<Uint8Array, void> {
  const limit = new AbortController();
  let limitMs = Math.min(timeoutMs, longestConnectMs);
  let timer = setTimeout(() => limit.abort(), limitMs);
  const both = signal === undefined ? limit.signal : AbortSignal.any([limit.signal, signal]);
  let isSent = false;
  const why = (error: unknown): ProviderFailure => {
    const effect = isSent ? 'maybe' : 'none';
    if (signal?.aborted === true) return stopped(server, effect);
    if (limit.signal.aborted) return silent(server, effect, limitMs);
    return isSent
      ? failure(
          server,
          effect,
          'dns-connection-broken',
          'The connection to a DNS server broke',
          `closed the connection before its answer was whole (${codeOf(error)})`,
          error,
        )
      : failure(
          server,
          effect,
          'dns-server-unreachable',
          'A DNS server cannot be reached',
          `does not take connections (${codeOf(error)})`,
          error,
        );
  };
  let socket: Socket | undefined;
  try {
    socket = await connected(server, both);
    clearTimeout(timer);
    limitMs = timeoutMs;
    timer = setTimeout(() => limit.abort(), limitMs);
    const frame = Buffer.alloc(2 + bytes.length);
    frame.writeUInt16BE(bytes.length);
    frame.set(bytes, 2);
    isSent = true;
    socket.write(frame);
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of socket) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0);
        yield Uint8Array.from(rest.subarray(2, end));
        rest = rest.subarray(end);
      }
    }
    throw new Error('end of stream');
  } catch (error) {
    throw error instanceof ProviderFailure ? error : why(error);
  } finally {
    clearTimeout(timer);
    socket?.destroy();
  }
}

function connected(server: DnsEndpoint, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port, noDelay: true });
    const onAbort = (): void => {
      socket.destroy(new Error('aborted'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', onAbort));
    socket.once('error', reject);
    if (signal.aborted) {
      onAbort();
      return;
    }
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      // The reader sees it as the end of its iteration.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** One message and its one answer, over TCP. */
export async function exchangeByTcp(
  server: DnsEndpoint,
  bytes: Uint8Array,
  options: DnsExchangeOptions,
): Promise<Uint8Array> {
  for await (const reply of streamByTcp(server, bytes, options)) return reply;
  throw new Error('a stream without an end');
}
