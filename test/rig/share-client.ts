/** A load client that remembers which release answered when, so that shares can be held against what was asked for. */
import { Agent, request } from 'node:http';

interface Answer {
  readonly at: number;
  /** The version that answered; undefined: it failed, and `why` tells how. */
  readonly by: string | undefined;
  readonly why?: string;
  readonly isBeta: boolean;
}

export interface ShareClient {
  /** Answers to plain requests that were sent from `from` to `to`, ms since the epoch, by version. */
  between(from: number, to: number): Readonly<Record<string, number>>;
  /** The same for requests with the header of the audience. */
  betaBetween(from: number, to: number): Readonly<Record<string, number>>;
  readonly failures: readonly string[];
  readonly requests: number;
  stop(): Promise<void>;
}

const answerMs = 15_000;
const mostInFlight = 200;

/** Open loop, `rate` requests a second, one in ten with `x-beta: 1`, a fifth on fresh connections. */
export function startShareClient(port: number, rate: number): ShareClient {
  const kept = new Agent({ keepAlive: true, maxSockets: 16 });
  const answers: Answer[] = [];
  const inFlight = new Set<Promise<void>>();
  let sent = 0;
  const send = (): void => {
    const isBeta = sent % 10 === 0;
    const agent = sent % 5 === 1 ? false : kept;
    sent += 1;
    const at = Date.now();
    const done = new Promise<void>((resolve) => {
      const end = (by: string | undefined, why?: string): void => {
        answers.push({ at, by, isBeta, ...(why === undefined ? {} : { why }) });
        resolve();
      };
      const headers = { host: 'shop.test', ...(isBeta ? { 'x-beta': '1' } : {}) };
      const call = request(
        { host: '127.0.0.1', port, path: '/', agent, headers, timeout: answerMs },
        (response) => {
          response.resume();
          response.on('error', (error) => end(undefined, error.message));
          response.on('end', () =>
            response.statusCode === 200
              ? end(String(response.headers['x-served-by']))
              : end(undefined, `status ${response.statusCode}`),
          );
        },
      );
      call.on('timeout', () => call.destroy(new Error(`no answer in ${answerMs / 1000} s`)));
      call.on('error', (error) => end(undefined, error.message));
      call.end();
    });
    inFlight.add(done);
    void done.finally(() => inFlight.delete(done));
  };
  const startedAt = Date.now();
  let due = 0;
  const timer = setInterval(() => {
    const wanted = ((Date.now() - startedAt) * rate) / 1000;
    for (; due < wanted; due += 1) if (inFlight.size < mostInFlight) send();
  }, 5);
  const count = (from: number, to: number, isBeta: boolean): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { at, by, isBeta: beta } of answers) {
      if (by !== undefined && beta === isBeta && at >= from && at <= to) counts[by] = (counts[by] ?? 0) + 1;
    }
    return counts;
  };
  return {
    between: (from, to) => count(from, to, false),
    betaBetween: (from, to) => count(from, to, true),
    get failures() {
      return answers.flatMap(({ why }) => why ?? []);
    },
    get requests() {
      return answers.length;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(inFlight);
      kept.destroy();
    },
  };
}

/** Whether so many of `taken` may be if each of them is one with this probability: four standard deviations. */
export function isShare(count: number, taken: number, percent: number): boolean {
  const share = percent / 100;
  const deviation = Math.sqrt(taken * share * (1 - share));
  return Math.abs(count - taken * share) <= 4 * deviation + 1;
}
