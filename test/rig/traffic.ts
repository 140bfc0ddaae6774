/** A load client that counts what a user would have noticed during a switch. */
import { Agent, type ClientRequest, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import {
  type Answered,
  countedBy,
  type Epoch,
  judge,
  latencyOf,
  type Moment,
  type Move,
  seenOf,
  type TrafficFigures,
} from './traffic-figures.ts';

export type { TrafficFigures } from './traffic-figures.ts';

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

/** A moment `at` is one of {@link now}, in whichever process of this machine; default: when it is called. */
export interface Traffic {
  /** From then on only `side` may answer; requests in flight may still come from the one before. */
  acknowledge(side: string, at?: number): void;
  /** While a switch is under way, both are right. */
  expectBoth(next: string, at?: number): void;
  /** Something went on from `beganAt` to `endedAt` that is no switch: latency near it is told apart. */
  note(beganAt: number, endedAt: number): void;
  /** Whoever comes from now on comes on connections of their own: what becomes of those before is another's fault. */
  comeAnew(): void;
  /** Stops sending, waits for what is in flight, and counts. */
  stop(): Promise<TrafficFigures>;
}

/** In ms, by a clock that never jumps and that all processes of a machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Far beyond what a request takes, and below what a queue of `mostInFlight` takes on a busy machine. */
const answerMs = 30_000;
const mostInFlight = 250;
/** A longer pause of this process must not become a burst that measures only itself. */
const mostLateMs = 100;

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
  const started = now();
  /** What was right, epoch by epoch. */
  const epochs: Epoch[] = [{ at: Number.NEGATIVE_INFINITY, sides: [first] }];
  const moves: Move[] = [];
  const noted: Moment[] = [];
  const inFlight = new Set<Promise<void>>();
  const answered: Answered[] = [];
  const failures: { readonly sentAt: number; readonly reason: string }[] = [];
  let requests = 0;
  let withheld = 0;
  let anewAt: number | undefined;
  let cut = 0;
  let stopping = false;

  const fail = (sentAt: number, reason: string): void =>
    void failures.push({ sentAt, reason: `${((now() - started) / 1000).toFixed(3)} s: ${reason}` });

  const send = (path: string, agent: Agent | undefined, dueAt?: number): void => {
    requests += 1;
    const sentAt = now();
    const done = new Promise<void>((resolve) => {
      const call: ClientRequest = request(
        { host: address, port, path, agent: agent ?? false, headers: { host }, timeout: answerMs },
        (response) => {
          const side = String(response.headers['x-served-by'] ?? '');
          response.on('error', (error) => {
            fail(sentAt, `answer broken off: ${error.message}`);
            resolve();
          });
          response.on('end', () => {
            if (response.statusCode === 200) answered.push({ dueAt, sentAt, endedAt: now(), side });
            else fail(sentAt, `status ${response.statusCode}`);
            resolve();
          });
          response.resume();
        },
      );
      call.on('timeout', () => call.destroy(new Error(`no answer in ${answerMs / 1000} s`)));
      call.on('error', (error) => {
        fail(sentAt, `${path} ${agent === undefined ? 'fresh' : 'kept'}: ${error.message}`);
        resolve();
      });
      call.end();
    });
    inFlight.add(done);
    void done.finally(() => inFlight.delete(done));
  };

  let due = 0;
  const sendDue = (): void => {
    const dueAt = (): number => started + (due * 1000) / rate;
    for (; dueAt() <= now(); due += 1) {
      if (inFlight.size >= mostInFlight || now() - dueAt() > mostLateMs) withheld += 1;
      else send('/', Math.random() < options.freshShare ? undefined : kept, dueAt());
    }
    ticker = setTimeout(sendDue, Math.max(0, dueAt() - now()));
  };
  let ticker = setTimeout(sendDue, 0);

  const slowLoop = async (): Promise<void> => {
    while (!stopping) {
      send('/slow?ms=1500', slowAgent);
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
    expectBoth(next, at = now()) {
      moves.push({ beganAt: at, to: next, endedAt: Number.POSITIVE_INFINITY });
      epochs.push({ at, sides: [...new Set([...(epochs.at(-1)?.sides ?? []), next])] });
    },
    acknowledge(side, at = now()) {
      epochs.push({ at, sides: [side] });
      const move = moves.at(-1);
      if (move?.to === side) move.endedAt = at;
    },
    note: (beganAt, endedAt) => void noted.push({ beganAt, endedAt }),
    comeAnew() {
      connectAnew();
      anewAt = now();
    },
    async stop() {
      clearTimeout(ticker);
      stopping = true;
      await Promise.allSettled([...inFlight]);
      for (const each of upgraded) each.close();
      for (const agent of agents) agent.destroy();
      const since = anewAt ?? epochs.at(-1)?.at ?? 0;
      const failuresSince = failures.filter(({ sentAt }) => sentAt >= since);
      const verdicts = answered.map((each) => judge(each, epochs));
      const reasonsOf = (some: typeof failures): readonly string[] =>
        some.slice(0, 10).map(({ reason }) => reason);
      return {
        requests,
        withheld,
        failed: failures.length,
        failedSince: failuresSince.length,
        wrong: verdicts.filter((verdict) => verdict === 'wrong').length,
        stale: verdicts.filter((verdict) => verdict === 'stale').length,
        cut,
        bySide: countedBy(answered.map(({ side }) => side)),
        seenMs: seenOf(answered, moves),
        latency: latencyOf(answered, moves, noted),
        reasons: reasonsOf(failures),
        reasonsSince: reasonsOf(failuresSince),
      };
    },
  };
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
