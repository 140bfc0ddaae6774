import { expect, test } from 'vitest';
import { KnownSecrets } from '../../../../src/providers/host/known-secrets.ts';

const values: Readonly<Record<string, string>> = {
  token: 's3cr3t-token',
  longer: 's3cr3t-token-2',
  key: '-----BEGIN KEY-----\nAAAAB3NzaC1\n-----END KEY-----\n',
  pin: '42',
};

test('a text shows the names of the secrets that were read, line by line, and nothing of what is too short', async () => {
  const secrets = new KnownSecrets(async (name) => values[name] ?? '');
  expect(secrets.hide('s3cr3t-token')).toBe('s3cr3t-token');
  for (const name of Object.keys(values)) expect(await secrets.resolve(name)).toBe(values[name]);
  expect(secrets.hide('a s3cr3t-token, a s3cr3t-token-2')).toBe('a (secret token), a (secret longer)');
  expect(secrets.hide('loaded AAAAB3NzaC1 in 42 ms')).toBe('loaded (secret key) in 42 ms');
});
