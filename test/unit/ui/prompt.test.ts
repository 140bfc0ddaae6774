import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { paint } from '../../../src/ui/paint.ts';
import { approve } from '../../../src/ui/prompt.ts';

async function answered(input: string | undefined, signal?: AbortSignal) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  if (input === undefined) stdin.end();
  else if (input !== '') stdin.write(input);
  const approved = await approve({
    input: stdin,
    output: stdout,
    paint: paint(false),
    ...(signal === undefined ? {} : { signal }),
  });
  return { approved, shown: String(stdout.read()) };
}

describe('the question before anything is changed', () => {
  test('is in the words of Terraform', async () => {
    const { shown } = await answered('yes\n');
    expect(shown).toBe(
      "Do you want to perform these actions?\n  Only 'yes' will be accepted to approve.\n\n  Enter a value: \n",
    );
  });

  test.for([
    ['yes', 'yes\n', true],
    ['yes with blanks around it', ' yes \r\n', true],
    ['no', 'no\n', false],
    ['y', 'y\n', false],
    ['Yes with a capital', 'Yes\n', false],
    ['an empty line', '\n', false],
    ['the end of the input', undefined, false],
  ] as const)('%s', async ([, input, expected]) => {
    const { approved, shown } = await answered(input);
    expect(approved).toBe(expected);
    expect(shown.includes('Apply cancelled.')).toBe(!expected);
  });

  test('an abort while it waits is a no', async () => {
    const { approved, shown } = await answered('', AbortSignal.timeout(20));
    expect(approved).toBe(false);
    expect(shown).toContain('Apply cancelled.');
  });
});
