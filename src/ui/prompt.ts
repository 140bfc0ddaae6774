/** Terraform's question before anything is changed. */
import { createInterface } from 'node:readline';
import type { Paint } from './paint.ts';

export const cancelledText = 'Apply cancelled.';

/** Ends right where the answer is typed. */
export function promptText(paint: Paint, what = 'these actions'): string {
  return [
    paint.bold(`Do you want to perform ${what}?`),
    "  Only 'yes' will be accepted to approve.",
    '',
    `  ${paint.bold('Enter a value:')} `,
  ].join('\n');
}

export interface Asking {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly paint: Paint;
  /** `these actions`; a word of its own for a revert is the caller's to choose. */
  readonly what?: string;
  /** What is said after any other answer than yes. Default: "Apply cancelled." */
  readonly cancelled?: string;
  /** Aborted: the answer is no. */
  readonly signal?: AbortSignal;
}

/**
 * True only for exactly `yes`. Anything else, the end of the input and Ctrl-C are no, and say "Apply cancelled.".
 * Whether there is anybody to ask is the caller's to find out before.
 */
export async function approve({ input, output, paint, what, cancelled, signal }: Asking): Promise<boolean> {
  const answer = await readAnswer(input, output, promptText(paint, what), signal);
  const isApproved = answer?.trim() === 'yes';
  const refusal = `${answer === undefined ? '\n' : ''}\n${cancelled ?? cancelledText}\n`;
  output.write(isApproved ? '\n' : refusal);
  return isApproved;
}

function readAnswer(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  question: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const lines = createInterface({ input, output, historySize: 0 });
  return new Promise((resolve) => {
    const finish = (answer: string | undefined): void => {
      signal?.removeEventListener('abort', stop);
      resolve(answer);
      lines.close();
    };
    const stop = (): void => finish(undefined);
    lines.once('close', stop);
    lines.once('SIGINT', stop);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) return stop();
    // readline redraws its prompt while one types, and only the last line of it may be drawn again.
    const last = question.lastIndexOf('\n') + 1;
    output.write(question.slice(0, last));
    lines.question(question.slice(last), finish);
  });
}
