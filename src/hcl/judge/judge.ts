import { Worker } from 'node:worker_threads';
import type { SourceRange } from '../../model/diagnostic.ts';
import { SourceText } from '../syntax/source.ts';
import type { Objection, Opinion } from './hashicorp.ts';

/** What a second, independent parser thinks of a text. It is asked about syntax only, never about values. */
export type Judgement =
  | { readonly verdict: 'accepts' }
  | {
      readonly verdict: 'objects';
      readonly summary: string;
      readonly detail: string;
      /** Summary and detail of its first objection, in HashiCorp's words. */
      readonly message: string;
      readonly range: SourceRange;
    }
  /** It failed or took too long; `message` says which. */
  | { readonly verdict: 'no_opinion'; readonly message: string };

export interface JudgeOptions {
  /** The file of the thread; by default the one beside this file. A bundle has it somewhere else. */
  readonly worker?: URL;
  /** How long one answer may take, loading included. */
  readonly timeoutMs?: number;
}

/** Loading takes 0.3 s and a thousand blocks take 1 s; what takes longer than this is not worth waiting for. */
const TIMEOUT_MS = 5_000;
/** Of brackets it can read about 23 levels in a megabyte; we allow 500. */
const STACK_MB = 128;
const HEAP_MB = 384;

/**
 * hcl2-parser, HashiCorp's parser compiled to JavaScript, in a thread of its own. It starts with the first
 * question and takes one at a time; one that is too hard costs its thread, and the next gets a new one.
 * Dispose of it when done: its thread does not keep the process alive, but it does keep its memory.
 */
export class SecondJudge implements AsyncDisposable {
  readonly #worker: URL;
  readonly #timeoutMs: number;
  #thread: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: JudgeOptions = {}) {
    this.#worker = options.worker ?? new URL('./worker.ts', import.meta.url);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** Its whole answer. Never rejects. */
  ask(text: string): Promise<Opinion> {
    const answer = this.#last.then(() => this.#ask(text));
    this.#last = answer;
    return answer;
  }

  /** Its verdict, with the range in terms of `file`. Never rejects. */
  async judge(text: string, file: string): Promise<Judgement> {
    return toJudgement(await this.ask(text), new SourceText(file, text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#end();
  }

  async #ask(text: string): Promise<Opinion> {
    const opinion = await this.#question(text);
    if (opinion !== undefined) return opinion;
    await this.#end();
    return { verdict: 'no_opinion', reason: `it took longer than ${this.#timeoutMs / 1000} s` };
  }

  /** Undefined when the answer does not come in time. */
  #question(text: string): Promise<Opinion | undefined> {
    return new Promise((resolve) => {
      const thread = this.#start();
      const done = (opinion: Opinion | undefined): void => {
        clearTimeout(timer);
        thread.off('message', done).off('error', failed).off('exit', ended);
        // Whatever a thread says when it is ended must not end the process.
        if (opinion === undefined) thread.on('error', () => {});
        thread.unref();
        resolve(opinion);
      };
      const failed = (error: unknown): void => {
        this.#thread = undefined;
        done({ verdict: 'no_opinion', reason: error instanceof Error ? error.message : String(error) });
      };
      const ended = (): void => failed('its thread ended');
      const timer = setTimeout(() => done(undefined), this.#timeoutMs);
      thread.on('message', done).on('error', failed).on('exit', ended);
      thread.ref();
      thread.postMessage(text);
    });
  }

  #start(): Worker {
    this.#thread ??= new Worker(this.#worker, {
      resourceLimits: { stackSizeMb: STACK_MB, maxOldGenerationSizeMb: HEAP_MB },
      // Nothing of ours is any business of other people's code.
      env: {},
      argv: [],
      stdout: true,
      stderr: true,
    });
    return this.#thread;
  }

  async #end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}

/** Asks about one text, in a thread that ends with the answer. Never rejects. */
export async function judge(text: string, file: string, options: JudgeOptions = {}): Promise<Judgement> {
  await using second = new SecondJudge(options);
  return await second.judge(text, file);
}

function toJudgement(opinion: Opinion, source: SourceText): Judgement {
  if (opinion.verdict === 'accepts') return { verdict: 'accepts' };
  if (opinion.verdict === 'no_opinion') return { verdict: 'no_opinion', message: opinion.reason };
  const [first] = opinion.objections;
  if (first === undefined) return { verdict: 'no_opinion', message: 'it objects without a reason' };
  const { summary, detail } = first;
  return {
    verdict: 'objects',
    summary,
    detail,
    message: `${summary}: ${detail}`,
    range: rangeOf(first, source),
  };
}

function rangeOf(objection: Objection, source: SourceText): SourceRange {
  const { start, end } = objection;
  return source.range(source.offset(start.line, start.column), source.offset(end.line, end.column));
}
