/** Updates whose reply is lost, or that arrive when nobody waits for them any more; and servers that do not follow. */
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type DnsEndpoint, ProviderFailure } from '../../src/model/index.ts';
import { hasDns, startDns, startSecondary } from '../rig/dns-servers.ts';
import { freePort } from '../rig/haproxy.ts';
import { contextOf, move, open, recordOf, set, zoneAt } from '../rig/zones.ts';

const blue = set(60, '10.0.1.11', '10.0.1.12');
const green = set(60, '10.0.1.21', '10.0.1.22');

interface Relay extends AsyncDisposable {
  readonly endpoint: DnsEndpoint;
  /**
   * What happens to the next update: it is done and its reply lost; kept back and delivered later; both, done twice;
   * somebody else answers NOERROR in the server's place; or the server is gone when it has answered, or just before.
   */
  next: 'pass' | 'lose_reply' | 'keep_back' | 'keep_copy' | 'forge' | 'answer_and_go' | 'do_and_go';
  /** The server can be reached again. */
  comeBack(): Promise<void>;
  /** What happens to every transfer: it breaks off in the middle, or somebody else puts an address of his own into it. */
  transfers: 'pass' | 'cut' | 'alter';
  /** Delivers what was kept, and gives the server's reply code. */
  deliver(): Promise<number>;
}

/** A TCP relay in front of a server: it knows an update by its opcode. */
async function relayTo(server: DnsEndpoint): Promise<Relay> {
  const sockets = new Set<Socket>();
  let kept: Buffer | undefined;
  const listener = createServer((client) => {
    const up = connect(server);
    for (const socket of [client, up]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    let fate: Relay['next'] = 'pass';
    client.on('data', (chunk: Buffer) => {
      const isUpdate = (((chunk[4] ?? 0) >> 3) & 0xf) === 5;
      if (isUpdate && relay.next !== 'pass') {
        fate = relay.next;
        relay.next = 'pass';
      }
      if (fate === 'keep_back' || (fate === 'keep_copy' && isUpdate)) kept = chunk;
      if (fate === 'forge') client.write(noErrorTo(chunk));
      else if (fate === 'keep_back') {
        client.destroy();
        up.destroy();
      } else up.write(chunk);
    });
    up.on('data', (chunk: Buffer) => {
      const at = chunk.indexOf(Buffer.from([10, 0, 1, 11]));
      if (fate === 'answer_and_go' || fate === 'do_and_go') listener.close();
      if (fate === 'lose_reply' || fate === 'do_and_go') client.destroy();
      else if (at >= 0 && relay.transfers === 'cut') client.end(chunk.subarray(0, at));
      else {
        if (at >= 0 && relay.transfers === 'alter') chunk[at + 3] = 99;
        client.write(chunk);
      }
    });
    client.on('close', () => up.destroy());
    up.on('close', () => client.destroy());
  });
  const port = await freePort();
  const listen = (): Promise<void> =>
    new Promise((resolve) => void listener.listen(port, '127.0.0.1', resolve));
  await listen();
  const relay: Relay = {
    endpoint: { host: '127.0.0.1', port },
    next: 'pass',
    comeBack: listen,
    transfers: 'pass',
    deliver: () =>
      new Promise((resolve, reject) => {
        const up = connect(server, () => up.write(kept ?? Buffer.alloc(0)));
        up.once('error', reject);
        up.once('data', (reply: Buffer) => {
          up.destroy();
          resolve((reply[5] ?? 0) & 0xf);
        });
      }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  return relay;
}

/** A reply to a message on a stream, with the id and opcode of it, and nothing else. */
const noErrorTo = (asked: Buffer): Buffer =>
  Buffer.from([0, 12, asked[2] ?? 0, asked[3] ?? 0, 0x80 | (asked[4] ?? 0), 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** What the fence refuses with: YXRRSET where there was none yet, NXRRSET where it has been raised since. */
const refusedByFence = [7, 8];

describe.skipIf(!hasDns.bind)(
  `updates that go astray${hasDns.bind ? '' : ' (without bind9: not covered)'}`,
  () => {
    test.for(['bind', 'knot', 'pdns'] as const)(
      'on %s a lost reply is found to be done',
      async (kind, { skip }) => {
        if (!hasDns[kind]) return skip(`without ${kind}: not covered`);
        await using dns = await startDns(kind);
        await using relay = await relayTo(dns.endpoint);
        const zone = open(zoneAt(relay.endpoint, { servers: [dns.endpoint] }));
        relay.next = 'lose_reply';
        await zone.perform(move(recordOf('shop'), blue, green), contextOf());
        expect(await zone.look(move(recordOf('shop'), blue, green), contextOf())).toEqual({ at: 'after' });
      },
    );

    test.for([
      ['bind', 'keep_back'],
      ['knot', 'keep_back'],
      ['pdns', 'keep_back'],
      ['bind', 'keep_copy'],
      ['knot', 'keep_copy'],
      ['pdns', 'keep_copy'],
    ] as const)(
      'on %s what arrives late, or a second time, undoes nothing: %s',
      async ([kind, fate], { skip }) => {
        if (!hasDns[kind]) return skip(`without ${kind}: not covered`);
        await using dns = await startDns(kind);
        await using relay = await relayTo(dns.endpoint);
        const zone = open(zoneAt(relay.endpoint, { servers: [dns.endpoint] }));
        relay.next = fate;
        await zone.perform(move(recordOf('shop'), blue, green), contextOf());
        await zone.perform(move(recordOf('shop'), green, blue), contextOf());
        // The very bytes of the first update, which says blue to green: the record would let it pass.
        expect(refusedByFence).toContain(await relay.deliver());
        expect(await zone.look(move(recordOf('shop'), green, blue), contextOf())).toEqual({ at: 'after' });
      },
    );

    test.for(['answer_and_go', 'do_and_go'] as const)(
      'a server that is gone after it has done the update: nobody says that nothing was done (%s)',
      async (fate) => {
        await using dns = await startDns('bind');
        await using relay = await relayTo(dns.endpoint);
        const zone = open(zoneAt(relay.endpoint, { servers: [dns.endpoint] }));
        relay.next = fate;
        const there = move(recordOf('shop'), blue, green);
        const failure = await zone.perform(there, contextOf()).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(ProviderFailure);
        expect(failure).toMatchObject({ effect: 'maybe', diagnostic: { code: 'dns-server-unreachable' } });
        await relay.comeBack();
        expect(await zone.look(there, contextOf())).toEqual({ at: 'after' });
        await zone.perform(there, contextOf());
      },
    );

    test('a NOERROR without a signature is no success, whoever it is from', async () => {
      await using dns = await startDns('bind');
      await using relay = await relayTo(dns.endpoint);
      const zone = open(zoneAt(relay.endpoint, { servers: [dns.endpoint] }));
      relay.next = 'forge';
      const failure = await zone
        .perform(move(recordOf('shop'), blue, green), contextOf())
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ProviderFailure);
      expect((failure as ProviderFailure).diagnostic.code).toBe('dns-reply-unverified');
      expect(await zone.look(move(recordOf('shop'), blue, green), contextOf())).toEqual({ at: 'before' });
    });

    test.for(['bind', 'knot', 'pdns'] as const)(
      'on %s a transfer that breaks off or is altered on its way is no zone, and no update rests on it',
      async (kind, { skip }) => {
        if (!hasDns[kind]) return skip(`without ${kind}: not covered`);
        await using dns = await startDns(kind);
        await using relay = await relayTo(dns.endpoint);
        const zone = open(zoneAt(relay.endpoint, { servers: [dns.endpoint] }));
        for (const [transfers, code] of [
          ['cut', /^dns-/],
          ['alter', /^dns-reply-unverified$/],
        ] as const) {
          relay.transfers = transfers;
          const { observations } = await zone.observe({} as never, AbortSignal.timeout(20_000));
          expect(observations).toMatchObject([
            { status: 'unknown', why: { code: expect.stringMatching(code) } },
          ]);
          const failure = await zone
            .perform(move(recordOf('shop'), blue, green), contextOf())
            .catch((error: unknown) => error);
          expect(failure).toBeInstanceOf(ProviderFailure);
        }
        relay.transfers = 'pass';
        expect(await zone.look(move(recordOf('shop'), blue, green), contextOf())).toEqual({ at: 'before' });
      },
    );

    test('a secondary that does not follow is named, with what it says instead', async () => {
      const port = await freePort();
      await using primary = await startDns('bind');
      await using _secondary = await startSecondary(primary.endpoint, port, true);
      const servers = [primary.endpoint, { host: '127.0.0.1', port }];
      const zone = zoneAt(primary.endpoint, { servers });
      const provider = open(zone);
      await provider.perform(move(recordOf('shop'), blue, green), contextOf());
      const converge = {
        op: 'record.converge',
        zone: zone.address,
        record: recordOf('shop'),
        rrset: green,
        withinMs: 800,
      } as const;
      const failure = await provider.perform(converge, contextOf()).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ProviderFailure);
      expect((failure as ProviderFailure).diagnostic).toMatchObject({
        code: 'dns-not-converged',
        detail: expect.stringContaining(`127.0.0.1:${port} answers 10.0.1.11 10.0.1.12 with TTL 60 s`),
      });
      const lenient = open({ ...zone, quorum: 1 });
      await lenient.perform(converge, contextOf());
      const { observations } = await lenient.observe({} as never, AbortSignal.timeout(20_000));
      expect(observations).toMatchObject([
        { status: 'present', spec: { rrset: green, behind: [{ server: `127.0.0.1:${port}` }] } },
      ]);
    });
  },
);
