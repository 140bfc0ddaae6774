/** What a run leaves behind it: entries of its journal, events for whoever watches, and what has failed. */
import type { Diagnostic, EventBody, JournalEntry, NewJournalEntry } from '../model/index.ts';
import type { ControlRequest } from './control.ts';
import type { SessionOptions } from './options.ts';
import { asDetail, type Note, type ProgressLog } from './progress.ts';

export class RunLog {
  /** In their order; the summary tells them. */
  readonly failures: Diagnostic[] = [];
  readonly #options: SessionOptions;
  readonly #progress: ProgressLog;
  #eventSeq = 0;

  /** `progress` follows what is written. */
  constructor(options: SessionOptions, progress: ProgressLog) {
    this.#options = options;
    this.#progress = progress;
  }

  /** Of the run as a whole. Throws as `write` does. */
  async note(note: Note | Exclude<ControlRequest, { kind: 'promote' }>): Promise<void> {
    await this.write({ mark: 'note', step: undefined, detail: asDetail(note as Note) });
  }

  /** Durable when it resolves. Throws a `StateFailure` where it could not be written: then nothing more may begin. */
  async write(entry: Omit<NewJournalEntry, 'at'>): Promise<JournalEntry> {
    const { store, run, clock } = this.#options;
    const written = await store.append(run, { ...entry, at: clock.now() });
    this.#progress.follow(written);
    return written;
  }

  /** Events are numbered from 1 in each process's part of a run. */
  emit(event: EventBody): void {
    const { emit, clock, run } = this.#options;
    this.#eventSeq += 1;
    emit({ ...event, at: clock.now(), run, seq: this.#eventSeq });
  }
}
