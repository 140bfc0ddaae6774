import { utils } from 'ssh2';
import { expect, test } from 'vitest';
import { newKey } from '../../../src/lab/hosts/keys.ts';

// A key that ssh2 cannot read comes once in about 256: among 3,000 the chance of none is below 1 in 100,000.
test('every key that is made can be read, and its halves belong together', () => {
  for (let made = 0; made < 3_000; made += 1) {
    const { privateKey, publicKey } = newKey('a key');
    const read = utils.parseKey(privateKey);
    if (read instanceof Error) throw read;
    const key = Array.isArray(read) ? read[0] : read;
    expect(key.getPublicSSH().toString('base64')).toBe(publicKey.split(' ')[1]);
  }
});
