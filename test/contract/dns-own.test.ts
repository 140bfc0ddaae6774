/** What only one of the servers does, and what must come of it. */
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { encodeMessage, type Message, parseMessage } from '../../src/dns/message.ts';
import { types } from '../../src/dns/types.ts';
import { newZone, soaOf } from '../../src/lab/dns/zone.ts';
import type { DnsEndpoint, Provider } from '../../src/model/index.ts';
import { hasDns, startDns, startSecondary } from '../rig/dns-servers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { freePort } from '../rig/haproxy.ts';
import { silentListener } from '../rig/silent.ts';
import { freeAddress } from '../rig/sshd.ts';
import { hasUnbound, startUnbound } from '../rig/unbound.ts';
import { contextOf, move, open, recordOf, replace, set, zoneAt } from '../rig/zones.ts';

const blue = set(60, '10.0.1.11', '10.0.1.12');
const green = set(60, '10.0.1.21', '10.0.1.22');
const withoutBind = hasDns.bind ? '' : ' (without bind9: not covered)';

const observe = (zone: Provider) => zone.observe({} as never, AbortSignal.timeout(30_000));
/** Not by our codec, and not by a transfer. */
const dig = ({ host, port }: DnsEndpoint, ...args: readonly string[]): readonly string[] =>
  execFileSync('dig', [`@${host}`, '-p', `${port}`, '+short', '+tcp', ...args])
    .toString()
    .trim()
    .split('\n')
    .toSorted();

test('a server behind a firewall that drops everything costs 5 s a question, and nothing was sent to it', async () => {
  const { address, port } = await freeAddress();
  await using _silent = await silentListener(address, port);
  const zone = open(zoneAt({ host: address, port }));
  const began = performance.now();
  const [seen, failure] = await Promise.all([
    observe(zone),
    failureOf(zone.perform(move(recordOf('shop'), blue, green), contextOf())),
  ]);
  const why = { code: 'dns-server-silent', detail: expect.stringContaining('no answer for 5 s') };
  expect(seen.observations).toMatchObject([{ status: 'unknown', why }]);
  expect(failure).toMatchObject({ effect: 'none', diagnostic: why });
  // Less than the half of what a transfer may take once it goes on.
  expect(performance.now() - began).toBeLessThan(15_000);
});

/** Answers every message with what `answer` makes of it, over TCP. */
async function answering(
  answer: (request: Message) => Uint8Array,
): Promise<AsyncDisposable & { readonly endpoint: DnsEndpoint }> {
  const { address, port } = await freeAddress();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const bytes = answer(parseMessage(Uint8Array.from(chunk.subarray(2))));
      socket.write(Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    endpoint: { host: address, port },
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

test('a server whose records cannot be records is not understood: that is unknown, and no bug of ours', async () => {
  const soa = soaOf(newZone('internal.test.', 60, []));
  const broken = {
    name: 'shop.internal.test.',
    type: types.A,
    class: 1,
    ttl: 60,
    rdata: Uint8Array.of(10, 0, 1),
  };
  await using server = await answering(({ id, questions }) =>
    encodeMessage({ id, opcode: 0, isResponse: true, questions, answers: [soa, broken, soa] }),
  );
  const { tsig: _, ...unsigned } = zoneAt(server.endpoint);
  const zone = open(unsigned);
  const why = {
    code: 'dns-answer-not-understood',
    detail: expect.stringContaining('sent a record that cannot be one (an A record of 3 bytes)'),
  };
  expect((await observe(zone)).observations).toMatchObject([{ status: 'unknown', why }]);
});

test.skipIf(!hasDns.bind)(
  `BIND fails on 101 values at a name: that is no success, and what was there is there${withoutBind}`,
  async () => {
    await using dns = await startDns('bind');
    const zone = open(zoneAt(dns.endpoint));
    const many = (count: number) =>
      set(60, ...Array.from({ length: count }, (_, index) => `10.3.0.${index + 1}`));
    const failure = await failureOf(zone.perform(move(recordOf('shop'), blue, many(101)), contextOf()));
    expect(failure).toMatchObject({
      effect: 'none',
      diagnostic: { code: 'dns-server-failed', detail: expect.stringContaining('SERVFAIL') },
    });
    expect(dig(dns.endpoint, 'shop.internal.test', 'A')).toEqual(blue.values);
    // One less is taken, and so the failure was about the number.
    await zone.perform(move(recordOf('shop'), blue, many(100)), contextOf());
    expect(dig(dns.endpoint, 'shop.internal.test', 'A')).toEqual(many(100).values);
  },
);

test.skipIf(!hasDns.bind)(
  `a zone that is broken on its server is unknown, and no update of it is sent${withoutBind}`,
  async () => {
    await using dns = await startDns('bind', { records: 'broken 60 IN A not-an-address\n' });
    const zone = open(zoneAt(dns.endpoint));
    const { observations } = await observe(zone);
    expect(observations).toMatchObject([
      {
        status: 'unknown',
        why: { code: 'dns-question-refused', detail: expect.stringContaining('SERVFAIL') },
      },
    ]);
    const failure = await failureOf(zone.perform(move(recordOf('shop'), blue, green), contextOf()));
    expect(failure).toMatchObject({ effect: 'none', diagnostic: { code: 'dns-question-refused' } });
  },
);

test.skipIf(!hasDns.bind)(
  `a zone that has moved: the server of before is a secondary now, and changes nothing${withoutBind}`,
  async () => {
    const port = await freePort();
    await using primary = await startDns('bind', { notify: port });
    await using secondary = await startSecondary(primary.endpoint, port);
    const zone = open(zoneAt(secondary.endpoint));
    const { observations, notes } = await observe(zone);
    expect(observations).toMatchObject([{ status: 'present', spec: { rrset: blue } }]);
    expect(notes.map(({ severity, code }) => `${severity} ${code}`)).toContain('warning dns-update-refused');
    const failure = await failureOf(zone.perform(move(recordOf('shop'), blue, green), contextOf()));
    expect(failure).toMatchObject({ effect: 'none', diagnostic: { code: 'dns-update-refused' } });
    for (const { endpoint } of [primary, secondary])
      expect(dig(endpoint, 'shop.internal.test', 'A')).toEqual(blue.values);
  },
);

test.skipIf(!hasDns.bind || !hasUnbound)(
  `a server without authority counts for nothing, even where it says the right thing${hasDns.bind && hasUnbound ? '' : ' (without bind9 or unbound: not covered)'}`,
  async () => {
    await using dns = await startDns('bind');
    await using cache = await startUnbound(
      'internal.test',
      [dns.endpoint],
      ['access-control: 127.0.0.1/32 allow_snoop'],
    );
    // What it has been asked before, it would answer.
    for (const type of ['A', 'SOA']) {
      const name = type === 'A' ? 'shop.internal.test' : 'internal.test';
      expect(dig(cache.endpoint, name, type)).toEqual(dig(dns.endpoint, name, type));
    }
    const declared = zoneAt(dns.endpoint, { servers: [dns.endpoint, cache.endpoint] });
    const zone = open(declared);
    const { observations } = await observe(zone);
    expect(observations).toMatchObject([{ status: 'unknown', why: { code: 'dns-server-lame' } }]);
    const converge = {
      op: 'record.converge',
      zone: declared.address,
      record: recordOf('shop'),
      rrset: blue,
      withinMs: 400,
    } as const;
    const failure = await failureOf(zone.perform(converge, contextOf()));
    expect(failure.diagnostic).toMatchObject({
      code: 'dns-not-converged',
      detail: expect.stringContaining('without authority'),
    });
  },
);

test.skipIf(!hasDns.pdns)(
  `doctor warns of a PowerDNS that takes updates of anyone, and changes nothing by finding out${hasDns.pdns ? '' : ' (without pdns: not covered)'}`,
  async () => {
    await using dns = await startDns('pdns', { openToAll: true });
    const serial = () => dig(dns.endpoint, 'internal.test', 'SOA');
    const before = serial();
    const checks = await open(zoneAt(dns.endpoint)).check?.({} as never, AbortSignal.timeout(30_000));
    expect(checks?.find(({ title }) => title === 'updates')?.finding).toMatchObject({
      at: 'wrong',
      why: [{ code: 'dns-takes-unsigned-updates', severity: 'warning' }],
    });
    expect(serial()).toEqual(before);
  },
);

test.skipIf(!hasDns.bind)(
  `a thousand records are looked at by one transfer, each of them asked at its server${withoutBind}`,
  async () => {
    const address = (index: number): string => `10.8.${index >> 8}.${index & 255}`;
    const names = Array.from({ length: 1_000 }, (_, index) => `r${index}`);
    await using dns = await startDns('bind', {
      records: names.map((name, index) => `${name} 60 IN A ${address(index)}\n`).join(''),
    });
    const zone = open(zoneAt(dns.endpoint, { records: names.map((name) => recordOf(name)) }));
    const began = performance.now();
    const { observations, notes } = await observe(zone);
    // 0.3 s on two idle cores; the bound is for starved ones, and for whoever asks one name after the other.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(notes).toEqual([]);
    expect(
      observations.map((each) => each.status === 'present' && each.kind === 'record' && each.spec.rrset),
    ).toEqual(names.map((_, index) => set(60, address(index))));
  },
);

test.skipIf(!hasDns.bind)(
  `where the zone is not given away, a CNAME is still not put beside what is rarely asked for${withoutBind}`,
  async () => {
    const records = 'signed 60 IN A 10.0.1.5\nsigned 60 IN CAA 0 issue "ca.test"\n';
    await using dns = await startDns('bind', { withoutTransfer: true, records });
    const alias = recordOf('signed', 'CNAME');
    const zone = open(zoneAt(dns.endpoint, { records: [alias] }));
    const { observations } = await observe(zone);
    expect(observations).toMatchObject([{ status: 'present', spec: { besides: ['A', 'CAA'] } }]);
    const there = replace(alias, set(60, 'shop.internal.test.'), [
      { record: recordOf('signed'), rrset: set(60, '10.0.1.5') },
    ]);
    const failure = await failureOf(zone.perform(there, contextOf()));
    expect(failure).toMatchObject({ effect: 'none', diagnostic: { code: 'dns-cname-conflict' } });
    expect(dig(dns.endpoint, 'signed.internal.test', 'A')).toEqual(['10.0.1.5']);
  },
);
