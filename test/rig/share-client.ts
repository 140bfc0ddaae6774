/** A load client that remembers which release answered when, so that shares can be held against what was asked for. */
import { Agent, request } from 'node:http';

/** Who a request is from: anybody, one of an audience by header or by cookie, or a user with a cookie of his own. */
type Kind = 'plain' | 'beta' | 'pro' | 'user';

interface Answer {
  readonly at: number;
  readonly answeredAt: number;
  /** The version that answered; undefined: it failed, and `why` tells how. */
  readonly by: string | undefined;
  readonly why?: string;
  readonly kind: Kind;
  readonly user: number;
}

export interface ShareClient {
  /**
   * Answers to plain requests from `from` to `to`, ms since the epoch, by version. What was sent in that time and answered
   * after it may have been decided after it: on a busy machine requests wait here for a connection.
   */
  between(from: number, to: number): Readonly<Record<string, number>>;
  /** The same for requests with the header `x-beta: 1`, and for those with the cookie `plan=pro`. */
  betaBetween(from: number, to: number): Readonly<Record<string, number>>;
  proBetween(from: number, to: number): Readonly<Record<string, number>>;
  /** Users, each with a cookie `uid`, whom `fresh` answered and then another version, before `until`. */
  flipsFrom(fresh: string, until?: number): readonly number[];
  readonly failures: readonly string[];
  readonly requests: number;
  stop(): Promise<void>;
}

const answerMs = 15_000;
const mostInFlight = 200;

const users = 40;
const kinds: Readonly<Record<number, Kind>> = { 0: 'beta', 3: 'pro', 6: 'user', 9: 'user' };

/** Open loop, `rate` requests a second: six of ten anybody's, and a fifth of all on fresh connections. */
export function startShareClient(port: number, rate: number): ShareClient {
  const kept = new Agent({ keepAlive: true, maxSockets: 16 });
  const answers: Answer[] = [];
  const inFlight = new Set<Promise<void>>();
  let sent = 0;
  const send = (): void => {
    const kind = kinds[sent % 10] ?? 'plain';
    const user = Math.floor(sent / 5) % users;
    const agent = sent % 5 === 1 ? false : kept;
    sent += 1;
    const at = Date.now();
    const done = new Promise<void>((resolve) => {
      const end = (by: string | undefined, why?: string): void => {
        answers.push({ at, answeredAt: Date.now(), by, kind, user, ...(why === undefined ? {} : { why }) });
        resolve();
      };
      const headers = { host: 'shop.test', ...headersOf(kind, user) };
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
  const count = (from: number, to: number, wanted: Kind): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { at, answeredAt, by, kind } of answers) {
      if (by !== undefined && kind === wanted && at >= from && answeredAt <= to)
        counts[by] = (counts[by] ?? 0) + 1;
    }
    return counts;
  };
  return {
    between: (from, to) => count(from, to, 'plain'),
    betaBetween: (from, to) => count(from, to, 'beta'),
    proBetween: (from, to) => count(from, to, 'pro'),
    flipsFrom(fresh, until = Number.POSITIVE_INFINITY) {
      const firstFresh = new Map<number, number>();
      const own = answers.filter(({ kind, by, at }) => kind === 'user' && by !== undefined && at < until);
      for (const { user, by, answeredAt } of own) {
        if (by === fresh) firstFresh.set(user, Math.min(answeredAt, firstFresh.get(user) ?? answeredAt));
      }
      // What was sent before the answer came may have been decided before it.
      return own
        .filter(({ user, by, at }) => by !== fresh && at > (firstFresh.get(user) ?? Number.POSITIVE_INFINITY))
        .map(({ user }) => user);
    },
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

/** The ids differ in every way that a proxy may hash them by. */
const headersOf = (kind: Kind, user: number): Readonly<Record<string, string>> => {
  switch (kind) {
    case 'beta':
      return { 'x-beta': '1' };
    case 'pro':
      return { cookie: 'plan=pro' };
    case 'user':
      return { cookie: `a=b; uid=u${(user * 7919 + 1e6).toString(16)}-${10 + ((user * 37) % 90)}` };
    case 'plain':
      return {};
  }
};

/** Whether so many of `taken` may be if each of them is one with this probability: four standard deviations. */
export function isShare(count: number, taken: number, percent: number): boolean {
  const share = percent / 100;
  const deviation = Math.sqrt(taken * share * (1 - share));
  return Math.abs(count - taken * share) <= 4 * deviation + 1;
}
