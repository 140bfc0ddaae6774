/** The shells of one connection that wait for another script: one for each kind of rights, and none for long. */
import type { KeptShell } from './kept-shell.ts';

/** Longer than the line of any way there and back between two scripts that belong together. */
const waitMs = 2_000;

interface Waiting {
  readonly shell: KeptShell;
  readonly timer: NodeJS.Timeout;
}

export class KeptShells {
  /** By whether they have the rights of root through sudo. */
  readonly #waiting = new Map<boolean, Waiting>();

  /** Nobody else gets it until it is given back by `leave`. */
  take(throughSudo: boolean): KeptShell | undefined {
    const found = this.#waiting.get(throughSudo);
    if (found === undefined) return undefined;
    clearTimeout(found.timer);
    this.#waiting.delete(throughSudo);
    return found.shell.isOver ? undefined : found.shell;
  }

  leave(throughSudo: boolean, shell: KeptShell): void {
    if (shell.isOver) return;
    if (this.#waiting.has(throughSudo)) {
      shell.end();
      return;
    }
    const timer = setTimeout(() => this.take(throughSudo)?.end(), waitMs).unref();
    this.#waiting.set(throughSudo, { shell, timer });
  }

  /** Somebody else needs their places. */
  end(): void {
    for (const throughSudo of [...this.#waiting.keys()]) this.take(throughSudo)?.end();
  }
}
