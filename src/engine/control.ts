/** What a person can ask of a run in progress. */

export type ControlRequest =
  /** No new step starts; those in hand, and waits by the clock, go on. */
  | { readonly kind: 'pause'; readonly by: string; readonly reason: string }
  | { readonly kind: 'continue'; readonly by: string }
  /** Approve what waits for approval. `full`: skip what is left of every bake and every approval to come as well. */
  | { readonly kind: 'promote'; readonly by: string; readonly full: boolean }
  /** Finish the steps in hand, then undo everything that was done. */
  | { readonly kind: 'abort'; readonly by: string; readonly reason: string }
  /** Finish the steps in hand, record them, and stop: the run can be resumed. Waits are cut short. */
  | { readonly kind: 'stop'; readonly by: string; readonly reason: string }
  /** Stop without waiting for what is in hand: recorded as begun, looked at again by a resume. */
  | { readonly kind: 'stop_at_once'; readonly by: string; readonly reason: string };

/** Where a run hears of requests. Requests made before it listens are not lost. */
export interface Control {
  /** Calls the listener for each request, in order. Returns what ends that. One listener at a time. */
  listen(listener: (request: ControlRequest) => void): () => void;
}

/** A control that this process itself steers: by keys and by signals. */
export interface LocalControl extends Control {
  request(request: ControlRequest): void;
  /** For Ctrl-C and SIGTERM: the first asks to stop, each further one to stop at once. */
  interrupt(by: string, signal: string): void;
}

export function createControl(): LocalControl {
  const waiting: ControlRequest[] = [];
  let listener: ((request: ControlRequest) => void) | undefined;
  let interrupts = 0;
  const request = (each: ControlRequest): void => {
    if (listener === undefined) waiting.push(each);
    else listener(each);
  };
  return {
    request,
    interrupt(by, signal) {
      interrupts += 1;
      request({ kind: interrupts === 1 ? 'stop' : 'stop_at_once', by, reason: signal });
    },
    listen(next) {
      listener = next;
      for (const each of waiting.splice(0)) next(each);
      return () => {
        if (listener === next) listener = undefined;
      };
    },
  };
}
