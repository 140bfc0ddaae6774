/** Requests over a connection that a host makes: plain HTTP/1.1, whole answers, a limit on all of it. */
import { buffer as readBytes } from 'node:stream/consumers';
import type { HostChannel } from '../../../transport/channel.ts';

export interface HttpAnswer {
  readonly status: number;
  /** The lines of its head, for a look at single headers. */
  readonly head: string;
}

/** The value of a header; '' where there is none. */
export const headerOf = ({ head }: HttpAnswer, name: string): string =>
  new RegExp(`^${name}: ?(.*?)\\r?$`, 'im').exec(head)?.[1] ?? '';

/**
 * Sends it on a connection of its own, and reads to the end. `sent` is called when it leaves: from then on it may be
 * obeyed. Throws a plain error for a connection that fails or takes longer than `timeoutMs`; what was answered by then is lost.
 */
export async function exchangeBytes(
  channel: HostChannel,
  target: { readonly address: string; readonly port: number },
  text: string,
  timeoutMs: number,
  signal: AbortSignal,
  sent: () => void = () => undefined,
): Promise<Buffer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const connection = await channel.dial(target, { timeoutMs, signal });
  const stop = (): void => void connection.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
  limit.addEventListener('abort', stop, { once: true });
  try {
    const answer = readBytes(connection);
    sent();
    connection.write(text);
    return await answer;
  } finally {
    limit.removeEventListener('abort', stop);
    connection.destroy();
  }
}

/** Heads of answers on one connection; bodies are passed over by their length, and one without a length is the last. */
export function parseAnswers(text: string): readonly HttpAnswer[] {
  const answers: HttpAnswer[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const head = text.slice(at, end);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
    if (Number.isNaN(status)) break;
    const answer = { status, head };
    answers.push(answer);
    const length = headerOf(answer, 'content-length');
    if (length === '' && status !== 204 && status !== 304) break;
    at = end + 4 + Number(length === '' ? 0 : length);
  }
  return answers;
}

/** One answer to the end, with what a server says after the body. */
export interface WholeAnswer extends HttpAnswer {
  readonly body: string;
  readonly trailers: string;
}

/** undefined: cut off, or no HTTP. */
export function parseWhole(bytes: Buffer): WholeAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.subarray(0, end).toString();
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const rest = bytes.subarray(end + 4);
  if (!/^transfer-encoding: ?chunked\r?$/im.test(head)) {
    const length = headerOf({ status, head }, 'content-length');
    if (length !== '' && rest.length < Number(length)) return undefined;
    const body = rest.subarray(0, length === '' ? rest.length : Number(length)).toString();
    return { status, head, body, trailers: '' };
  }
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at);
    const size = line < 0 ? Number.NaN : Number.parseInt(rest.subarray(at, line).toString(), 16);
    if (Number.isNaN(size)) return undefined;
    at = line + 2;
    if (size === 0) {
      return { status, head, body: Buffer.concat(parts).toString(), trailers: rest.subarray(at).toString() };
    }
    if (at + size > rest.length) return undefined;
    parts.push(rest.subarray(at, at + size));
    at += size + 2;
  }
}
