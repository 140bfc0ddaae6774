/** Not seen is not gone, and not ill: what a look says where only a part of it could be asked. */
import { expect, test } from 'vitest';
import type {
  Declared,
  HostDeclared,
  ProviderFailure,
  ServiceDeclared,
} from '../../../../src/model/index.ts';
import { withHomes } from '../../../../src/providers/host/home.ts';
import { openHostProvider } from '../../../../src/providers/host/index.ts';
import { type HostChannel, hostFailure, localChannel } from '../../../../src/transport/index.ts';
import { realClock } from '../../../rig/clock.ts';
import { at, declare, inPlace, service } from '../../../rig/worlds.ts';

const start = at(1);
const here: HostDeclared = {
  address: 'host.web-1' as HostDeclared['address'],
  name: 'web-1',
  connection: { kind: 'local' },
  networkAddress: '127.0.0.1',
  labels: {},
  origin: start,
};

const lost = (): ProviderFailure =>
  hostFailure(here, 'none', {
    code: 'host-unreachable',
    summary: 'Host cannot be reached',
    detail: 'It is gone.',
  });

async function look(declared: Declared, channel: HostChannel) {
  const channels = { to: async () => channel, [Symbol.asyncDispose]: async () => {} };
  const hosts = openHostProvider(declared, channels, {
    clock: realClock,
    resolveSecret: async () => '',
    operatorFolder: '/nonexistent',
  });
  const { observations } = await withHomes(hosts, channels).observe(declared, new AbortController().signal);
  return Object.fromEntries(observations.map((each) => [each.kind, each]));
}

const shop: ServiceDeclared = service({ strategy: inPlace, hosts: ['web-1'] });
const declaring = (root: string): Declared => ({
  ...declare([{ ...shop, install: { ...shop.install, root } }]),
  hosts: [here],
});

test('below a home that could not be asked for, nothing is known', async () => {
  const local = localChannel(here);
  const answer: HostChannel = {
    ...local,
    script: (text, values, options) =>
      text.includes('$HOME') && !text.includes('probe_root')
        ? Promise.reject(lost())
        : local.script(text, values, options),
  };
  const seen = await look(declaring('~/srv/shop'), answer);
  expect(seen['instance']).toMatchObject({ status: 'unknown', why: { code: 'host-unreachable' } });
  expect(seen['inventory']).toMatchObject({ status: 'unknown', why: { code: 'host-unreachable' } });
});

test('an instance whose check could not be asked is unknown, not ill', async () => {
  const { process } = shop.slots[0]?.instances[0] ?? {};
  const release = '1.0.0-11111111';
  const record = JSON.stringify({ format: 1, running: { release, process }, secrets: {} });
  const probed = [
    `time ${Math.round(Date.now() / 1000)}`,
    `link 0 releases/${release}`,
    'started 0 1-abc exec',
    `record 0 ${record}`,
    'alive 0',
    'end',
  ].join('\n');
  const answer: HostChannel = {
    ...localChannel(here),
    script: async () => ({ code: 0, signal: undefined, stdout: probed, stderr: '' }),
    dial: () => Promise.reject(lost()),
  };
  const seen = await look(declaring('/srv/shop'), answer);
  expect(seen['instance']).toMatchObject({ status: 'unknown', why: { code: 'host-unreachable' } });
});
