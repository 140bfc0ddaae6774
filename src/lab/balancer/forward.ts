/** Passes requests and upgraded connections on to members of a pool. */
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Member, Pool } from './pools.ts';

/** Headers that belong to one connection, not to the message (RFC 9110, 7.6.1), beside those that `Connection` names. */
const hopByHop: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];

const ofMessage = (headers: IncomingMessage['headers']): Record<string, string | string[]> => {
  const ofConnection = new Set([...hopByHop, ...(headers.connection ?? '').toLowerCase().split(/[\s,]+/)]);
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !ofConnection.has(name)) kept[name] = value;
  }
  return kept;
};

function forwarded(
  headers: IncomingMessage['headers'],
  client: string | undefined,
): Record<string, string | string[]> {
  const kept = ofMessage(headers);
  const before = headers['x-forwarded-for'];
  kept['x-forwarded-for'] = [...(before === undefined ? [] : [String(before)]), client ?? ''].join(', ');
  return kept;
}

/** Longest wait for the first byte of an answer, in ms. */
const answerTimeoutMs = 60_000;

/**
 * One request to a member. When no connection could be made another member is tried; when a kept connection was
 * closed just then, a request without a body is sent once more on a fresh one. Anything else that fails is a 502.
 */
export function forwardRequest(pool: Pool, incoming: IncomingMessage, outgoing: ServerResponse): void {
  pool.tally.requests += 1;
  const tried = new Set<Member>();
  const hasBody = 'content-length' in incoming.headers || 'transfer-encoding' in incoming.headers;

  const refuse = (status: number): void => {
    pool.tally.failed += 1;
    if (outgoing.headersSent) outgoing.destroy();
    else
      outgoing
        .writeHead(status, { 'content-type': 'text/plain' })
        .end(status === 503 ? 'no member is up\n' : 'no answer\n');
  };

  const attempt = (member: Member, isFresh: boolean): void => {
    member.sessions += 1;
    member.tally.requests += 1;
    const sentAt = performance.now();
    let isCounted = true;
    const uncount = (): void => {
      if (isCounted) member.sessions -= 1;
      isCounted = false;
    };
    const call: ClientRequest = request({
      host: member.address,
      port: member.port,
      method: incoming.method,
      path: incoming.url,
      headers: forwarded(incoming.headers, incoming.socket.remoteAddress),
      agent: isFresh ? false : member.agent,
      timeout: answerTimeoutMs,
    });
    let isConnected = false;
    const connected = (): void => {
      isConnected = true;
      // Not before: what was handed to a member that is not there could not be given to another one.
      if (hasBody) incoming.pipe(call);
      else call.end();
    };
    call.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    call.on('response', (answer) => {
      const { statusCode = 502 } = answer;
      for (const { tally } of [pool, member]) {
        tally.answered(performance.now() - sentAt);
        if (statusCode >= 500) tally.failed += 1;
      }
      outgoing.writeHead(statusCode, ofMessage(answer.headers));
      answer.pipe(outgoing);
      answer.on('close', () => {
        uncount();
        // Cut part-way: the client must see that, not a shorter answer.
        if (!answer.complete && !outgoing.writableFinished) {
          if (statusCode < 500) for (const { tally } of [pool, member]) tally.failed += 1;
          outgoing.destroy();
        }
      });
    });
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.on('error', () => {
      uncount();
      if (outgoing.headersSent || outgoing.destroyed) return;
      member.tally.failed += 1;
      tried.add(member);
      const other = isConnected ? undefined : pool.pick(tried);
      if (other !== undefined) attempt(other, false);
      else if (isConnected && call.reusedSocket && !hasBody) attempt(member, true);
      else refuse(isConnected ? 502 : 503);
    });
    outgoing.on('close', () => {
      uncount();
      if (!outgoing.writableFinished) call.destroy();
    });
  };

  const first = pool.pick(tried);
  if (first === undefined) refuse(503);
  else attempt(first, false);
}

/** Joins the two connections; from then on both sides say what they like until one of them ends. */
export function forwardUpgrade(pool: Pool, incoming: IncomingMessage, client: Socket, head: Buffer): void {
  pool.tally.requests += 1;
  const member = pool.pick(new Set());
  if (member === undefined) {
    pool.tally.failed += 1;
    client.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  member.sessions += 1;
  const server = connect({ host: member.address, port: member.port, noDelay: true });
  let isConnected = false;
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    member.sessions -= 1;
    if (!isConnected) {
      pool.tally.failed += 1;
      client.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    } else client.destroy();
    server.destroy();
  };
  server.once('connect', () => {
    isConnected = true;
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
    for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
      lines.push(`${incoming.rawHeaders[index]}: ${incoming.rawHeaders[index + 1]}`);
    }
    server.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) server.write(head);
    server.pipe(client);
    client.pipe(server);
  });
  client.setNoDelay(true);
  for (const side of [client, server]) {
    side.on('error', end);
    side.on('close', end);
  }
}
