/** Events of a run as a store for a view: it reads at its own pace, however fast the events come. */
import type { Event, Instant } from '../model/index.ts';
import { emptyView, fold, type View } from './fold.ts';

export interface Snapshot {
  readonly view: View;
  /** When it was taken: for what counts on while nothing happens. */
  readonly now: Instant;
}

export interface Feed {
  /** Folds at once; subscribers hear of it with the next tick. */
  event(event: Event): void;
  /** The newest view, not yet told to subscribers. */
  view(): View;
  /** The same object until the next tick: what `useSyncExternalStore` asks for. */
  current(): Snapshot;
  subscribe(listener: () => void): () => void;
  /** Takes a new snapshot if there is anything new, or a second has passed. */
  tick(): void;
}

export function createFeed(now: () => Instant): Feed {
  let view = emptyView;
  let snapshot: Snapshot = { view, now: now() };
  const listeners = new Set<() => void>();
  return {
    event(event) {
      view = fold(view, event);
    },
    view: () => view,
    current: () => snapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tick() {
      const at = now();
      if (view === snapshot.view && at - snapshot.now < 1000) return;
      snapshot = { view, now: at };
      for (const listener of listeners) listener();
    },
  };
}
