/**
 * How many bytes may be on their way to a host. Its SSH server takes 2 MB before anybody has read them; but what lies there
 * unread it copies about, and that is dear: 50 MB cost OpenSSH's sshd 100 ms of CPU when a quarter of a megabyte was
 * under way, and 190 ms with all of the 2 MB (measured on loopback). So there is no more under way than the link and the
 * program behind it can use.
 */

/** Fills a link of 1 Gbit/s at 2 ms. OpenSSH tells with every 96 kB what was read. */
const leastBytes = 256 * 1024;

interface Sent {
  /** All bytes sent up to and with these. */
  readonly total: number;
  readonly at: number;
  /** What was known to be read when they were sent. */
  readonly taken: number;
}

/**
 * Twice what is read within the shortest time that bytes took from us to the program and their receipt back: on a long way
 * that doubles until the way is full; where the program is what is slow, the time gets longer with what lies before it, and
 * that keeps it short. Times are in ms, of any clock that only goes on.
 */
export class SendWindow {
  #allowed = leastBytes;
  #total = 0;
  #taken = 0;
  #shortestMs = Number.POSITIVE_INFINITY;
  #underWay: Sent[] = [];

  /** So many more bytes may be sent now. */
  get room(): number {
    return Math.max(0, this.#allowed - (this.#total - this.#taken));
  }

  get allowed(): number {
    return this.#allowed;
  }

  /** Called for each packet: the first ones wait behind nobody, and show how short the way is. */
  sent(bytes: number, nowMs: number): void {
    this.#total += bytes;
    this.#underWay.push({ total: this.#total, at: nowMs, taken: this.#taken });
  }

  /** The program has read so many more. */
  taken(bytes: number, nowMs: number): void {
    this.#taken += bytes;
    const known = this.#underWay.findLastIndex(({ total }) => total <= this.#taken);
    const last = this.#underWay[known];
    if (last === undefined) return;
    this.#underWay = this.#underWay.slice(known + 1);
    const tookMs = Math.max(nowMs - last.at, 0.01);
    this.#shortestMs = Math.min(this.#shortestMs, tookMs);
    const readMeanwhile = this.#taken - last.taken;
    this.#allowed = Math.max(leastBytes, 2 * readMeanwhile * (this.#shortestMs / tookMs));
  }

  /** There is no room, and nothing was heard for a while: the way is long, or this server tells only of larger parts. */
  silent(): void {
    this.#allowed *= 2;
  }
}
