/** A bound on anything that a provider does: time that is over, or a run that must stop, ends the wait for it. */
import type { Clock } from '../model/index.ts';
import { graceMs } from './limits.ts';

/** Made once: an abort without a reason makes a DOMException, which costs more than all else here. */
const isOver = new Error('the time is over, or the run must stop');

export type Bounded<T> =
  | { readonly ended: 'value'; readonly value: T }
  | { readonly ended: 'thrown'; readonly cause: unknown }
  /** It was told to stop and did not come back in time, or came back without knowing more. */
  | { readonly ended: 'timed_out' | 'interrupted' };

/**
 * Runs `work` for at most `limitMs`. Then, or when `stop` is aborted, its own signal is aborted, and it has a grace of
 * two seconds to come back with a value. Never throws; work that never comes back is left behind.
 */
export async function within<T>(
  limitMs: number,
  clock: Clock,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Bounded<T>> {
  if (stop.aborted) return { ended: 'interrupted' };
  const own = new AbortController();
  const timer = new AbortController();
  const abortOwn = (): void => own.abort(isOver);
  stop.addEventListener('abort', abortOwn, { once: true });
  const settled: Promise<Bounded<T>> = (async () => work(own.signal))().then(
    (value) => ({ ended: 'value', value }),
    (cause: unknown) => ({ ended: 'thrown', cause }),
  );
  try {
    const over = clock.sleep(limitMs, timer.signal).then(() => 'over' as const);
    const stopped = new Promise<'stopped'>((resolve) => {
      own.signal.addEventListener('abort', () => resolve('stopped'), { once: true });
    });
    const first = await Promise.race([settled, over, stopped]);
    if (typeof first === 'object') {
      return first.ended === 'thrown' && stop.aborted ? { ended: 'interrupted' } : first;
    }
    own.abort(isOver);
    const last = await Promise.race([settled, clock.sleep(graceMs, timer.signal)]);
    // A value is knowledge, whenever it comes; an error after the abort only tells of the abort.
    if (typeof last === 'object' && last.ended === 'value') return last;
    return { ended: first === 'over' ? 'timed_out' : 'interrupted' };
  } finally {
    timer.abort(isOver);
    stop.removeEventListener('abort', abortOwn);
  }
}
