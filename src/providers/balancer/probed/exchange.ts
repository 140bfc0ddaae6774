/** Requests over a connection that a host makes: plain HTTP/1.1, whole answers, a limit on all of it. */
import { text as readText } from 'node:stream/consumers';
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
 * Sends them on one connection, the last one closing it, and reads to the end. Throws a plain error for a connection
 * that fails or takes longer than `timeoutMs`; what was answered by then is lost.
 */
export async function askHttp(
  channel: HostChannel,
  target: { readonly address: string; readonly port: number },
  requests: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly HttpAnswer[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const connection = await channel.dial(target, { timeoutMs, signal });
  const stop = (): void => void connection.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
  limit.addEventListener('abort', stop, { once: true });
  try {
    const answer = readText(connection);
    connection.write(requests.join(''));
    return parseAnswers(await answer);
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
