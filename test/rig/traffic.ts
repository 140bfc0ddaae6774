/** A load client that counts what a user would have noticed during a switch. */
import { Agent, type ClientRequest, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface TrafficOptions {
  readonly port: number;
  /** Default: loopback. */
  readonly address?: string;
  /** Requests a second, open loop: a slow answer does not slow the next request down, until very many are open. */
  readonly rate: number;
  /** Connections that are kept and used again. */
  readonly keepAlive: number;
  /** Share of requests on a connection of their own. */
  readonly freshShare: number;
  /** Loops of requests that take 1.5 s each. */
  readonly slow: number;
  /** Connections that are upgraded and say something every 50 ms. */
  readonly upgraded: number;
  readonly host?: string;
}

export interface TrafficFigures {
  readonly requests: number;
  /** Not sent, because too many were unanswered: then the machine is too busy to keep the rate, and that is all it says. */
  readonly withheld: number;
  /** No answer, a reset, a time-out, or a status other than 200. */
  readonly failed: number;
  /** Of these, sent since the clients came anew; where they did not, since the last switch was acknowledged. */
  readonly failedSince: number;
  /** Answered by a side that no route has named in this test. */
  readonly wrong: number;
  /** Sent after a switch was acknowledged, and answered by the side before. */
  readonly stale: number;
  /** Upgraded connections that ended before the test did. */
  readonly cut: number;
  readonly bySide: Readonly<Record<string, number>>;
  /** Of each switch, from its beginning to the sending of the last request that the side before still answered; in ms. */
  readonly seenMs: readonly number[];
  readonly latencyMs: {
    readonly p50: number;
    readonly p99: number;
    readonly max: number;
    /** Of requests that were under way during a switch or within 100 ms after it was acknowledged, and of all others. */
    readonly p99Near: number;
    readonly p99Away: number;
  };
  /** What the first few failures were. */
  readonly reasons: readonly string[];
  /** What the first few of `failedSince` were. */
  readonly reasonsSince: readonly string[];
}

export interface Traffic {
  /** From now on only `side` may answer; requests in flight may still come from the one before. */
  acknowledge(side: string): void;
  /** While a switch is under way, both are right. */
  expectBoth(next: string): void;
  /** Whoever comes from now on comes on connections of their own: what becomes of those before is another's fault. */
  comeAnew(): void;
  /** Stops sending, waits for what is in flight, and counts. */
  stop(): Promise<TrafficFigures>;
}

/** Far beyond what a request takes, and below what a queue of `mostInFlight` takes on a busy machine. */
const answerMs = 30_000;
const mostInFlight = 250;
/** What a switch costs may come a little after it: connections that are closed, caches that are empty. */
const nearMs = 100;

/** Everything is loopback, bounded by `rate` and by `stop`. */
export function startTraffic(options: TrafficOptions, first: string): Traffic {
  const { port, rate, host = 'shop.test', address = '127.0.0.1' } = options;
  const agentOf = (sockets: number): Agent =>
    new Agent({ keepAlive: true, maxSockets: sockets, maxFreeSockets: sockets });
  const agents: Agent[] = [];
  let kept: Agent;
  let slowAgent: Agent;
  const connectAnew = (): void => {
    kept = agentOf(options.keepAlive);
    slowAgent = agentOf(options.slow);
    agents.push(kept, slowAgent);
  };
  connectAnew();
  const started = performance.now();
  /** What was right, epoch by epoch: a request may be answered by any that was right between its sending and its answer. */
  const epochs: (readonly string[])[] = [[first]];
  const known = new Set([first]);
  /** Each switch: when it began and ended, where it goes, and when the last request was sent that was answered otherwise. */
  const moves: {
    readonly beganAt: number;
    readonly to: string;
    lastOtherAt: number;
    acknowledgedAt: number;
  }[] = [];
  const inFlight = new Set<Promise<void>>();
  const answered: { readonly sentAt: number; readonly ms: number }[] = [];
  const bySide: Record<string, number> = {};
  const reasons: string[] = [];
  const reasonsIn: string[][] = [];
  let requests = 0;
  let withheld = 0;
  let failed = 0;
  const failedIn: number[] = [];
  let anewFrom: number | undefined;
  let wrong = 0;
  let stale = 0;
  let cut = 0;
  let stopping = false;

  const fail = (sentIn: number, reason: string): void => {
    failed += 1;
    failedIn[sentIn] = (failedIn[sentIn] ?? 0) + 1;
    reasonsIn[sentIn] ??= [];
    for (const each of [reasons, reasonsIn[sentIn]]) {
      if (each.length < 10) each.push(`${((performance.now() - started) / 1000).toFixed(3)} s: ${reason}`);
    }
  };

  const judge = (sentIn: number, sentAt: number, side: string): void => {
    const move = moves.findLast(({ beganAt }) => beganAt <= sentAt);
    if (move !== undefined && side !== move.to) move.lastOtherAt = Math.max(move.lastOtherAt, sentAt);
    bySide[side] = (bySide[side] ?? 0) + 1;
    if (!known.has(side)) wrong += 1;
    else if (!epochs.slice(sentIn).some((sides) => sides.includes(side))) stale += 1;
  };

  const send = (path: string, agent: Agent | undefined, isTimed: boolean): void => {
    requests += 1;
    const sentIn = epochs.length - 1;
    const sentAt = performance.now();
    const done = new Promise<void>((resolve) => {
      const call: ClientRequest = request(
        { host: address, port, path, agent: agent ?? false, headers: { host }, timeout: answerMs },
        (response) => {
          const side = String(response.headers['x-served-by'] ?? '');
          response.on('error', (error) => {
            fail(sentIn, `answer broken off: ${error.message}`);
            resolve();
          });
          response.on('end', () => {
            if (isTimed) answered.push({ sentAt, ms: performance.now() - sentAt });
            if (response.statusCode === 200) judge(sentIn, sentAt, side);
            else fail(sentIn, `status ${response.statusCode}`);
            resolve();
          });
          response.resume();
        },
      );
      call.on('timeout', () => call.destroy(new Error(`no answer in ${answerMs / 1000} s`)));
      call.on('error', (error) => {
        fail(sentIn, `${path} ${agent === undefined ? 'fresh' : 'kept'}: ${error.message}`);
        resolve();
      });
      call.end();
    });
    inFlight.add(done);
    void done.finally(() => inFlight.delete(done));
  };

  let sent = 0;
  const ticker = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    // A pause of this process must not become a burst that measures only itself.
    const now = Math.min(due - sent, Math.ceil(rate / 20));
    sent = due;
    for (let index = 0; index < now; index += 1) {
      if (inFlight.size >= mostInFlight) {
        withheld += 1;
        continue;
      }
      const isFresh = Math.random() < options.freshShare;
      send('/', isFresh ? undefined : kept, true);
    }
  }, 5);

  const slowLoop = async (): Promise<void> => {
    while (!stopping) {
      send('/slow?ms=1500', slowAgent, false);
      await new Promise((resolve) => setTimeout(resolve, 1600));
    }
  };
  for (let index = 0; index < options.slow; index += 1) void slowLoop();

  const upgraded = Array.from({ length: options.upgraded }, () =>
    openUpgraded(address, port, host, () => {
      if (!stopping) cut += 1;
    }),
  );

  return {
    expectBoth(next) {
      known.add(next);
      const beganAt = performance.now();
      moves.push({ beganAt, to: next, lastOtherAt: beganAt, acknowledgedAt: Number.POSITIVE_INFINITY });
      epochs.push([...new Set([...(epochs.at(-1) ?? []), next])]);
    },
    acknowledge(side) {
      known.add(side);
      epochs.push([side]);
      const move = moves.at(-1);
      if (move?.to === side) move.acknowledgedAt = performance.now();
    },
    comeAnew() {
      connectAnew();
      epochs.push(epochs.at(-1) ?? []);
      anewFrom = epochs.length - 1;
    },
    async stop() {
      clearInterval(ticker);
      stopping = true;
      await Promise.allSettled([...inFlight]);
      for (const each of upgraded) each.close();
      for (const agent of agents) agent.destroy();
      const since = anewFrom ?? epochs.length - 1;
      const isNear = ({ sentAt, ms }: (typeof answered)[number]): boolean =>
        moves.some(
          ({ beganAt, acknowledgedAt }) => sentAt + ms >= beganAt && sentAt <= acknowledgedAt + nearMs,
        );
      const [near = [], away = []] = [true, false].map((wanted) =>
        answered.filter((each) => isNear(each) === wanted),
      );
      return {
        requests,
        withheld,
        failed,
        failedSince: failedIn.slice(since).reduce((sum, each) => sum + each, 0),
        wrong,
        stale,
        cut,
        bySide,
        seenMs: moves.map(({ beganAt, lastOtherAt }) => lastOtherAt - beganAt).toSorted((a, b) => a - b),
        latencyMs: {
          p50: quantile(answered, 0.5),
          p99: quantile(answered, 0.99),
          max: quantile(answered, 1),
          p99Near: quantile(near, 0.99),
          p99Away: quantile(away, 0.99),
        },
        reasons,
        reasonsSince: reasonsIn.slice(since).flat(),
      };
    },
  };
}

function quantile(answered: readonly { readonly ms: number }[], share: number): number {
  const sorted = answered.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** A connection like a websocket's: it must live through every switch, and what is said on it must come back. */
function openUpgraded(address: string, port: number, host: string, onCut: () => void): { close(): void } {
  const socket: Socket = connect({ host: address, port });
  let isClosing = false;
  let isUp = false;
  let unanswered = 0;
  const end = (): void => {
    clearInterval(talk);
    if (!isClosing) onCut();
    isClosing = true;
    socket.destroy();
  };
  const talk = setInterval(() => {
    if (!isUp) return;
    if (unanswered > 100) end();
    unanswered += 1;
    socket.write('ping\n');
  }, 50);
  socket.on('connect', () =>
    socket.write(`GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`),
  );
  socket.on('data', (chunk) => {
    const text = chunk.toString();
    if (!isUp && !text.startsWith('HTTP/1.1 101')) end();
    isUp = true;
    unanswered = 0;
  });
  socket.on('error', end);
  socket.on('close', end);
  return {
    close() {
      isClosing = true;
      clearInterval(talk);
      socket.destroy();
    },
  };
}
