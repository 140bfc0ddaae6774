/** Asks for what must not be seen: typed without an echo, kept in memory only, and each thing asked once. */

import { visible } from '../model/visible.ts';

export interface Hidden {
  readonly input: Pick<NodeJS.ReadStream, 'setRawMode' | 'on' | 'removeListener' | 'resume' | 'pause'>;
  readonly output: { write(text: string): unknown };
}

const attempts = 3;

/**
 * Asks for the passphrase of a key, at most three times, until `isRight` takes it; the same key is never asked for again.
 * Undefined: nobody gave it. Whether there is a terminal is the caller's to find out before.
 */
export function passphraseAsker(
  terminal: Hidden,
): (path: string, isRight: (passphrase: string) => boolean) => Promise<string | undefined> {
  const known = new Map<string, Promise<string | undefined>>();
  let before: Promise<unknown> = Promise.resolve();
  return (path, isRight) => {
    const asked = known.get(path);
    if (asked !== undefined) return asked;
    // One question at a time, whatever number of hosts wait for answers.
    const asking = before.then(() => ask(terminal, path, isRight));
    before = asking;
    known.set(path, asking);
    return asking;
  };
}

async function ask(
  terminal: Hidden,
  path: string,
  isRight: (passphrase: string) => boolean,
): Promise<string | undefined> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const typed = await readHidden(terminal, `Passphrase of the key ${visible(path)}: `);
    if (typed === undefined) return undefined;
    if (isRight(typed)) return typed;
    terminal.output.write(attempt < attempts ? 'That is not its passphrase.\n' : 'That is not it either.\n');
  }
  return undefined;
}

/** One line without an echo. Undefined: Ctrl-C, Ctrl-D, or the end of the input. The terminal is then as it was. */
export function readHidden({ input, output }: Hidden, question: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let typed = '';
    const finish = (answer: string | undefined): void => {
      input.removeListener('data', take);
      input.removeListener('end', ended);
      input.setRawMode(false);
      input.pause();
      output.write('\n');
      resolve(answer);
    };
    const ended = (): void => finish(undefined);
    const take = (chunk: Buffer | string): void => {
      for (const character of chunk.toString()) {
        const isEnd = character === '\r' || character === '\n';
        if (isEnd || character === '\u0003' || character === '\u0004') {
          finish(isEnd ? typed : undefined);
          return;
        }
        if (character === '\u007f' || character === '\b') typed = [...typed].slice(0, -1).join('');
        else if (character === '\u0015') typed = '';
        else typed += character;
      }
    };
    output.write(question);
    input.setRawMode(true);
    input.on('data', take);
    input.on('end', ended);
    input.resume();
  });
}
