/** The checksum that hosts are asked for is the one that their cksum prints. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { PosixChecksum } from '../../../../src/providers/host/posix-checksum.ts';

function checksumOf(...parts: readonly Uint8Array[]): string {
  const checksum = new PosixChecksum();
  for (const part of parts) checksum.update(part);
  return checksum.text;
}

test.for([
  ['nothing', Buffer.alloc(0), '4294967295 0'],
  ['a zero', Buffer.alloc(1), '4215202376 1'],
  ['nine digits', Buffer.from('123456789'), '930766865 9'],
] as const)('of %s', ([, bytes, printed]) => {
  expect(checksumOf(bytes)).toBe(printed);
});

test('cksum prints the same', () => {
  // As hosts are asked, where it is new enough for that.
  const options = spawnSync('cksum', ['--debug'], { input: '' }).status === 0 ? ['--debug'] : [];
  const chunk = 256 * 1024;
  const lengths = [0, 1, 2, 3, 4, 5, 255, 256, 257, 65_535, 65_536, chunk - 1, chunk, chunk + 1, 1_000_003];
  while (lengths.length < 40) lengths.push(randomInt(2 ** randomInt(1, 21)));
  for (const length of lengths) {
    const bytes = randomBytes(length);
    const cuts = [0, ...Array.from({ length: 3 }, () => randomInt(length + 1)).toSorted((a, b) => a - b)];
    const parts = cuts.map((cut, index) => bytes.subarray(cut, cuts[index + 1] ?? length));
    const printed = execFileSync('cksum', options, { input: bytes, stdio: 'pipe', encoding: 'utf8' });
    expect(checksumOf(...parts), `${length} bytes, cut at ${cuts}: ${bytes.toString('hex', 0, 64)}`).toBe(
      printed.trim(),
    );
  }
});
