import { expect, test } from 'vitest';
import { asAddress } from '../../../src/model/index.ts';
import { localChannel } from '../../../src/transport/index.ts';
import { origin } from '../../rig/plans.ts';

const here = localChannel({
  address: asAddress('host.here'),
  name: 'here',
  connection: { kind: 'local' },
  networkAddress: '127.0.0.1',
  labels: {},
  origin,
});

const children = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'ProcessWrap').length;

test('a script that is given up before it begins leaves no shell behind', async () => {
  const before = children();
  const script = here.script('true', {}, { timeoutMs: 5_000, signal: AbortSignal.abort() });
  await expect(script).rejects.toMatchObject({ effect: 'none', diagnostic: { code: 'interrupted' } });
  await expect.poll(children, { timeout: 10_000 }).toBe(before);
});
