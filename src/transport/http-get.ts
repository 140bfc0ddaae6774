/** One GET from this machine, whole in memory, bounded in time and size. */
import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';

export interface HttpAnswer {
  readonly status: number;
  /** UTF-8, invalid bytes replaced; hostile. */
  readonly body: string;
}

const mostBytes = 1 << 20;

/** Rejects with an Error whose message says why there is no answer. Redirects are not followed: their status is the answer. */
export function httpGetText(
  url: string,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const get = url.startsWith('https:') ? httpsGet : httpGet;
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const isOver = bounded.aborted && !signal.aborted;
      reject(isOver ? new Error(`no answer within ${timeoutMs / 1000} s`) : cause);
    };
    const request = get(url, { headers, signal: bounded, agent: false }, (answer: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > mostBytes) request.destroy(new Error('the answer is larger than 1 MiB'));
        else chunks.push(chunk);
      });
      answer.on('error', fail);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    request.on('error', fail);
  });
}
