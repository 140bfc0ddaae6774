import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { passphraseAsker } from '../../../src/ui/passphrase.ts';

/** A terminal: what is on its screen, whether it echoes, and keys that are typed as soon as something is asked. */
function terminal(...answers: readonly string[]) {
  const keys = [...answers];
  const modes: boolean[] = [];
  let screen = '';
  const input = Object.assign(new PassThrough(), {
    setRawMode(isRaw: boolean) {
      modes.push(isRaw);
      return input as never;
    },
  });
  const output = {
    write(text: string) {
      screen += text;
      if (text.startsWith('Passphrase')) setImmediate(() => input.write(keys.shift() ?? '\u0003'));
    },
  };
  const hidden = { input, output } as unknown as Parameters<typeof passphraseAsker>[0];
  return { ask: passphraseAsker(hidden), screen: () => screen, modes };
}

const isSesame = (text: string): boolean => text === 'sesame';

test('what is typed does not show, and the terminal is as it was', async () => {
  const { ask, screen, modes } = terminal('sesame\r');
  expect(await ask('/k', isSesame)).toBe('sesame');
  expect(screen()).toBe('Passphrase of the key /k: \n');
  expect(modes).toEqual([true, false]);
});

test('a key is asked for once, also while the answer is awaited', async () => {
  const { ask, screen } = terminal('sesame\r');
  expect(await Promise.all([ask('/k', isSesame), ask('/k', isSesame)])).toEqual(['sesame', 'sesame']);
  expect(await ask('/k', isSesame)).toBe('sesame');
  expect(screen().match(/Passphrase/g)).toHaveLength(1);
});

test('two keys are asked for one after the other', async () => {
  const { ask, screen } = terminal('sesame\r', 'sesame\r');
  await Promise.all([ask('/a', isSesame), ask('/b', isSesame)]);
  expect(screen()).toBe('Passphrase of the key /a: \nPassphrase of the key /b: \n');
});

test.for([
  ['a typing mistake is taken back', ['sesamx\u007fe\r'], 'sesame'],
  ['a line is begun anew', ['wrong\u0015sesame\r'], 'sesame'],
  ['a wrong one is asked for again', ['no\r', 'sesame\r'], 'sesame'],
  ['three wrong ones are enough', ['a\r', 'b\r', 'c\r', 'sesame\r'], undefined],
  ['Ctrl-C gives none', ['ses\u0003'], undefined],
] as const)('%s', async ([, answers, expected]) => {
  const { ask, modes } = terminal(...answers);
  expect(await ask('/k', isSesame)).toBe(expected);
  expect(modes.at(-1)).toBe(false);
});
