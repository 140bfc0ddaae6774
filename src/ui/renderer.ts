import type { Event } from '../model/index.ts';

/** One way to show a run. It gets every event in order, and is ended once, whether a summary came or not. */
export interface Renderer {
  event(event: Event): void;
  end(): void;
}
