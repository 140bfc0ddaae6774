/** Connections that nobody uses just now. A thousand of them would be a thousand processes over there, and memory here. */

/** Enough for a fleet that is worked on step by step; a larger one is looked at once, and each host then let go. */
const mostIdle = 100;

interface Idle {
  /** Ends the connection; whoever asks for it again gets a new one. */
  hangUp(): void;
}

export class IdleConnections {
  /** The one that has been idle longest comes first. */
  readonly #idle = new Set<Idle>();

  /** This one is used from now on. */
  take(connection: Idle): void {
    this.#idle.delete(connection);
  }

  /** Nobody uses this one any more: it is kept while there are not too many after it. */
  leave(connection: Idle): void {
    this.#idle.delete(connection);
    this.#idle.add(connection);
    for (const longest of this.#idle) {
      if (this.#idle.size <= mostIdle) return;
      this.#idle.delete(longest);
      longest.hangUp();
    }
  }
}
