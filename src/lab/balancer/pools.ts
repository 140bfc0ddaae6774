/** The members of the lab's balancer: their checks, who gets the next request, and what they counted. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';

export type Admin = 'ready' | 'drain' | 'maint';

export interface LabPool {
  readonly name: string;
  readonly members: readonly { readonly name: string; readonly address: string; readonly port: number }[];
  /** undefined: a TCP connect. */
  readonly health?: {
    readonly path: string;
    readonly status: number;
    readonly intervalMs: number;
    readonly timeoutMs: number;
  };
}

/** Answers that the mean time is over, as HAProxy's. */
const averageWindow = 512;

/** What was counted since the balancer started, of a pool or of one member. */
export class Tally {
  requests = 0;
  failed = 0;
  #answers = 0;
  #averageMs = 0;

  /** The first byte of an answer came after so many ms. */
  answered(ms: number): void {
    this.#answers += 1;
    this.#averageMs += (ms - this.#averageMs) / Math.min(this.#answers, averageWindow);
  }

  /** In whole ms, rounded up, as HAProxy tells it; undefined: no answer came yet. */
  get averageMs(): number | undefined {
    return this.#answers === 0 ? undefined : Math.ceil(this.#averageMs);
  }
}

/** As HAProxy's: down after two failed checks, up after two passed ones. */
const fall = 2;
const rise = 2;

export class Member {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly agent = new Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 64 });
  admin: Admin = 'ready';
  /** Before its first check a member counts as up, but not as settled. */
  up = true;
  settled = false;
  lastCheck = 'not checked yet';
  sessions = 0;
  readonly tally = new Tally();
  #passed = 0;
  #missed = 0;

  constructor({ name, address, port }: LabPool['members'][number]) {
    this.name = name;
    this.address = address;
    this.port = port;
  }

  get takesRequests(): boolean {
    return this.admin === 'ready' && this.up;
  }

  /** Out of maintenance nothing is known of it: it must pass its checks again before it is settled. */
  setAdmin(admin: Admin): void {
    if (this.admin === 'maint' && admin !== 'maint') this.#forget();
    this.admin = admin;
  }

  /** It gets no new request. What it has begun it finishes: `agent.destroy()` would cut that as well. */
  retire(): void {
    this.agent.maxFreeSockets = 0;
    for (const idle of Object.values(this.agent.freeSockets).flat()) idle?.destroy();
  }

  #forget(): void {
    this.settled = false;
    this.#passed = 0;
    this.#missed = 0;
    this.up = true;
  }

  learn(passed: boolean, words: string): void {
    this.lastCheck = words;
    this.#passed = passed ? this.#passed + 1 : 0;
    this.#missed = passed ? 0 : this.#missed + 1;
    if (this.#passed >= rise) this.up = true;
    // One that was never seen well is down at its first failure: nothing speaks for it.
    if (this.#missed >= (this.settled ? fall : 1)) this.up = false;
    this.settled = this.up && this.#passed >= rise ? true : this.up && this.settled;
  }
}

export class Pool {
  readonly name: string;
  readonly members: readonly Member[];
  readonly tally = new Tally();
  #next = 0;
  readonly #declared: LabPool;
  readonly #health: LabPool['health'];
  #timer: NodeJS.Timeout | undefined;

  constructor(declared: LabPool) {
    this.name = declared.name;
    this.#declared = declared;
    this.members = declared.members.map((member) => new Member(member));
    this.#health = declared.health;
  }

  /** Whether it was made of the same declaration. */
  is(declared: LabPool): boolean {
    return JSON.stringify(declared) === JSON.stringify(this.#declared);
  }

  /** Turn by turn among those that take requests, without those that were tried already. */
  pick(tried: ReadonlySet<Member>): Member | undefined {
    const candidates = this.members.filter((member) => member.takesRequests && !tried.has(member));
    this.#next = (this.#next + 1) % Math.max(1, candidates.length);
    return candidates[this.#next];
  }

  get isAlive(): boolean {
    return this.members.some((member) => member.takesRequests);
  }

  startChecks(): void {
    const intervalMs = Math.max(50, Math.min(this.#health?.intervalMs ?? 1000, 1000));
    const round = (): void => {
      for (const member of this.members) {
        if (member.admin !== 'maint') void this.#check(member);
      }
    };
    round();
    this.#timer = setInterval(round, intervalMs);
    this.#timer.unref();
  }

  stopChecks(): void {
    clearInterval(this.#timer);
    for (const member of this.members) member.retire();
  }

  async #check(member: Member): Promise<void> {
    const { passed, words } = await (this.#health === undefined
      ? checkTcp(member)
      : checkHttp(member, this.#health));
    member.learn(passed, words);
  }
}

interface Verdict {
  readonly passed: boolean;
  readonly words: string;
}

const checkHttp = (member: Member, health: NonNullable<LabPool['health']>): Promise<Verdict> =>
  new Promise((resolve) => {
    const call = request(
      { host: member.address, port: member.port, path: health.path, agent: false, timeout: health.timeoutMs },
      (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        resolve({ passed: statusCode === health.status, words: `answered ${statusCode}` });
      },
    );
    // When this process was busy, timers come before what has already arrived: look at that first.
    call.on('timeout', () =>
      setImmediate(() =>
        setImmediate(() => call.destroy(new Error(`no answer within ${health.timeoutMs} ms`))),
      ),
    );
    call.on('error', (error) => resolve({ passed: false, words: error.message }));
    call.end();
  });

const checkTcp = (member: Member): Promise<Verdict> =>
  new Promise((resolve) => {
    const socket = connect({ host: member.address, port: member.port, timeout: 1000 });
    const end = (passed: boolean, words: string): void => {
      socket.destroy();
      resolve({ passed, words });
    };
    socket.on('connect', () => end(true, 'connected'));
    socket.on('timeout', () => end(false, 'no connection within 1000 ms'));
    socket.on('error', (error) => end(false, error.message));
  });
