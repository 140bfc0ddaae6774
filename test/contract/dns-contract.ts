/**
 * What must hold on every DNS server: an update is done whole or not at all, only on what was seen, and nothing that the
 * server merely says is taken for done.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { decode, encode } from 'dns-packet';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Observation,
  ProviderFailure,
  type RecordDeclared,
  type RecordSet,
  type RecordType,
  sameValue,
} from '../../src/model/index.ts';
import { askByUdp } from '../../src/transport/index.ts';
import { key, readerKey } from '../rig/dns-keys.ts';
import type { DnsOptions, RunningDns } from '../rig/dns-servers.ts';
import { failureOf } from '../rig/failure-of.ts';
import { declaredRecords } from '../rig/written-records.ts';
import {
  backFrom,
  contextOf,
  move,
  open,
  recordOf,
  replace,
  set,
  zoneAddress,
  zoneAt,
} from '../rig/zones.ts';

export interface Differences {
  /** The server answers a wrong key and a wrong clock with nothing but REFUSED (PowerDNS #8609, #9104). */
  readonly saysNothingOfKeys?: boolean;
}

const blue = set(60, '10.0.1.11', '10.0.1.12');
const green = set(60, '10.0.1.21', '10.0.1.22');

const convergeOn = (record: RecordDeclared, rrset: RecordSet) =>
  ({ op: 'record.converge', zone: zoneAddress, record, rrset, withinMs: 5_000 }) as const;
const converge = (rrset: RecordSet) => convergeOn(recordOf('shop'), rrset);

const blueText = 'A 10.0.1.11, A 10.0.1.12';

/** Asks a server for the addresses of a name over and over, by a codec that is not ours, until it is told to stop. */
function askOn({ endpoint }: RunningDns, name: string): { readonly stop: () => Promise<readonly string[]> } {
  const answers: string[] = [];
  let isOver = false;
  const asking = Array.from({ length: 2 }, async () => {
    while (!isOver) {
      const question = encode({
        type: 'query',
        id: Math.floor(Math.random() * 65_536),
        questions: [{ type: 'A', name }],
      });
      const reply = decode(Buffer.from(await askByUdp(endpoint, question, { timeoutMs: 10_000 })));
      const records = (reply.answers ?? []).map((each) => `${each.type} ${'data' in each ? each.data : ''}`);
      answers.push(
        records
          .toSorted((one, other) => (one < other ? -1 : 1))
          .toSorted(aliasFirst)
          .join(', '),
      );
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(asking);
      return answers;
    },
  };
}

const aliasFirst = (one: string, other: string): number =>
  Number(other.startsWith('CNAME')) - Number(one.startsWith('CNAME'));

/** The failure of a step; a step that went well is a failed test. */
export function describeDns(
  name: string,
  start: (options?: DnsOptions) => Promise<RunningDns>,
  isHere: boolean,
  { saysNothingOfKeys = false }: Differences = {},
): void {
  describe.skipIf(!isHere)(`DNS on ${name}${isHere ? '' : ' (not installed: not covered)'}`, () => {
    /** One server for all tests that leave it as it was but for `shop`, which each finds as it is in the beginning. */
    let shared: RunningDns | undefined;
    const lease = async (): Promise<RunningDns> => {
      shared ??= await start();
      const before = await now(shared);
      if (!sameValue(before, blue)) {
        await open(zoneAt(shared.endpoint)).perform(move(recordOf('shop'), before, blue), contextOf());
      }
      return shared;
    };
    afterAll(async () => shared?.[Symbol.asyncDispose]());

    /** The record as a provider of its own sees it now. */
    const now = async (
      dns: RunningDns,
      record = 'shop',
      type: RecordType = 'A',
    ): Promise<RecordSet | null> => {
      const declared = zoneAt(dns.endpoint, { records: [recordOf(record, type)] });
      const { observations } = await open(declared).observe({} as never, AbortSignal.timeout(30_000));
      const [seen] = observations as readonly Observation<'record'>[];
      if (seen?.status !== 'present') throw new Error(`not seen: ${JSON.stringify(seen)}`);
      return seen.spec.rrset;
    };
    const serial = (dns: RunningDns): number => {
      const { host, port } = dns.endpoint;
      const answer = execFileSync('dig', [`@${host}`, '-p', `${port}`, '+short', 'internal.test', 'SOA']);
      return Number(answer.toString().split(' ')[2]);
    };

    test('performing shows, twice changes nothing, and the inverse restores', async () => {
      const dns = await lease();
      const zone = open(zoneAt(dns.endpoint));
      const cx = contextOf();
      const there = move(recordOf('shop'), blue, green);
      const back = move(recordOf('shop'), green, blue);
      expect(await zone.look(there, cx)).toEqual({ at: 'before' });
      await zone.perform(there, cx);
      expect(await now(dns)).toEqual(green);
      expect(await zone.look(there, cx)).toEqual({ at: 'after' });
      const after = serial(dns);
      await zone.perform(there, cx);
      expect(serial(dns)).toBe(after);
      await zone.perform(back, cx);
      expect(await now(dns)).toEqual(blue);
      const [seen] = await zone.seen(back, cx);
      expect(seen).toMatchObject({ kind: 'record', spec: { rrset: blue, besides: [], delegation: null } });
    });

    test('the TTL alone, a new record, its removal, and every type', async () => {
      const dns = await lease();
      const zone = open(zoneAt(dns.endpoint));
      const cx = contextOf();
      const short = { ...blue, ttlSeconds: 5 };
      await zone.perform(move(recordOf('shop'), blue, short), cx);
      expect(await now(dns)).toEqual(short);
      const values: readonly (readonly [string, RecordType, string])[] = [
        ['new', 'A', '10.0.1.9'],
        ['six', 'AAAA', '2001:db8::11'],
        ['_http._tcp.shop', 'SRV', '0 5 8081 web-1.internal.test.'],
        ['words', 'TXT', '"two words" "and \\"quotes\\""'],
        ['alias', 'CNAME', 'shop.internal.test.'],
        ['xn--bcher-kva', 'A', '10.0.1.10'],
      ];
      for (const [label, type, value] of values) {
        const created = move(recordOf(label, type), null, set(30, value));
        await zone.perform(created, cx);
        expect(await now(dns, label, type)).toEqual(set(30, value));
        await zone.perform(move(recordOf(label, type), set(30, value), null), cx);
        expect(await now(dns, label, type)).toBeNull();
      }
    });

    test('somebody else changed it, before or between: refused, with what it is now, and left as it is', async () => {
      const dns = await lease();
      const [mine, other] = [open(zoneAt(dns.endpoint)), open(zoneAt(dns.endpoint))];
      const cx = contextOf();
      await other.perform(move(recordOf('shop'), blue, set(60, '10.0.1.99')), cx);
      const move1 = move(recordOf('shop'), blue, green);
      expect(await mine.look(move1, cx)).toEqual({ at: 'elsewhere', seen: 'is 10.0.1.99 (TTL 60 s) now' });
      const failure = await failureOf(mine.perform(move1, cx));
      expect(failure.effect).toBe('none');
      expect(failure.diagnostic).toMatchObject({
        code: 'dns-conflict',
        detail: expect.stringContaining('10.0.1.99'),
      });
      expect(await now(dns)).toEqual(set(60, '10.0.1.99'));
    });

    test('of 20 writers at once exactly one wins each round: who creates, who changes, who removes', {
      timeout: 120_000,
    }, async () => {
      const dns = await lease();
      const record = recordOf('storm');
      let from: RecordSet | null = null;
      for (let round = 0; round < 3; round++) {
        const wanted = Array.from({ length: 20 }, (_, index) =>
          // Only one removes: two that want the same both get it.
          round === 2 && index === 7 ? null : set(60, `10.${round + 1}.0.${index + 1}`),
        );
        const results = await Promise.all(
          wanted.map(async (to) => {
            try {
              await open(zoneAt(dns.endpoint)).perform(move(record, from, to), contextOf());
              return { to };
            } catch (error) {
              expect(error).toBeInstanceOf(ProviderFailure);
              expect((error as ProviderFailure).diagnostic.code).toBe('dns-conflict');
              return undefined;
            }
          }),
        );
        const winners = results.filter((each) => each !== undefined);
        expect(winners).toHaveLength(1);
        from = winners[0]?.to ?? null;
        expect(await now(dns, 'storm')).toEqual(from);
      }
      // What is not so is neither created over nor removed.
      const zone = open(zoneAt(dns.endpoint));
      const here = set(60, '10.9.0.1');
      await zone.perform(move(record, from, here), contextOf());
      for (const wrong of [move(record, null, green), move(record, blue, null)])
        expect((await failureOf(zone.perform(wrong, contextOf()))).diagnostic.code).toBe('dns-conflict');
      expect(await now(dns, 'storm')).toEqual(here);
      await zone.perform(move(record, here, null), contextOf());
    });

    test('an update that is lost and arrives late does nothing once the zone was looked at again', async () => {
      const dns = await lease();
      const zone = open(zoneAt(dns.endpoint), { updateTimeoutMs: 1_000 });
      const there = move(recordOf('shop'), blue, green);
      // Warm, so that the fence exists and the next update is the first thing that the frozen server gets to see.
      await zone.perform(move(recordOf('shop'), blue, { ...blue, ttlSeconds: 30 }), contextOf());
      await zone.perform(move(recordOf('shop'), { ...blue, ttlSeconds: 30 }, blue), contextOf());
      dns.freeze();
      const thawed = new Promise((resolve) => setTimeout(resolve, 1_500)).then(() => dns.thaw());
      // Whatever it ends as, what it says must be what is.
      const outcome = await zone.perform(there, contextOf()).then(
        () => 'done',
        (error: unknown) => error,
      );
      await thawed;
      const standing = await zone.look(there, contextOf());
      if (outcome === 'done') expect(standing).toEqual({ at: 'after' });
      else expect(outcome).toBeInstanceOf(ProviderFailure);
      const seen = await now(dns);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await now(dns)).toEqual(seen);
      expect(standing).toEqual({ at: seen?.values[0] === '10.0.1.21' ? 'after' : 'before' });
    });

    test('a wrong secret, a wrong clock, a key without the right, a zone without updates: denied, by name', async () => {
      const dns = await lease();
      const there = move(recordOf('shop'), blue, green);
      const wrongSecret = Buffer.from('another key altogether, sorry...').toString('base64');
      const denied = async (zone: ReturnType<typeof open>): Promise<string> => {
        const { diagnostic } = await failureOf(zone.perform(there, contextOf()));
        expect(diagnostic.hint).toMatch(
          /^(Compare secret\.|Compare the key's name|Set the clocks|Allow it there)/,
        );
        expect(JSON.stringify(diagnostic)).not.toContain(wrongSecret);
        return `${diagnostic.code}: ${diagnostic.detail}`;
      };
      const secret = await denied(open(zoneAt(dns.endpoint), { secret: wrongSecret }));
      expect(secret).toMatch(saysNothingOfKeys ? /^dns-update-refused/ : /^dns-wrong-key.*BADSIG/);
      const clock = await denied(open(zoneAt(dns.endpoint), { clockAheadSeconds: 4_000 }));
      if (saysNothingOfKeys) expect(clock).toMatch(/^dns-update-refused/);
      else expect(clock).toMatch(/^dns-clock-off.* is (3999|400[01]) s behind/);
      const reader = zoneAt(dns.endpoint, { tsig: { ...readerKey, algorithm: 'hmac-sha256' } });
      expect(await denied(open(reader, { secret: readerKey.secret }))).toMatch(
        /^dns-(update-refused|unknown-key)/,
      );
      const misnamed = zoneAt(dns.endpoint, {
        tsig: { name: 'nobody.', algorithm: 'hmac-sha256', secret: 'tsig' },
      });
      expect(await denied(open(misnamed))).toMatch(/^dns-(update-refused|unknown-key)/);
      const weaker = zoneAt(dns.endpoint, {
        tsig: { ...misnamed.tsig, name: key.name, algorithm: 'hmac-sha512', secret: 'tsig' },
      });
      expect(await denied(open(weaker))).toMatch(/^dns-(update-refused|unknown-key|wrong-key)/);
      const record = { ...recordOf('shop'), name: 'shop.static.test.' };
      const fixed = open(zoneAt(dns.endpoint, { zone: 'static.test.', records: [record] }));
      const { diagnostic } = await failureOf(fixed.perform(move(record, blue, green), contextOf()));
      expect(diagnostic.code).toMatch(/^dns-(update-refused|unknown-key|not-the-primary)/);
      expect(await now(dns)).toEqual(blue);
    });

    test('doctor and plan find out whether the key has the right, and change nothing by that', async () => {
      const dns = await lease();
      const before = serial(dns);
      const checks = async (zone: ReturnType<typeof open>): Promise<Record<string, unknown>> =>
        Object.fromEntries(
          ((await zone.check?.({} as never, AbortSignal.timeout(30_000))) ?? []).map(({ title, finding }) => [
            title,
            finding.at === 'wrong'
              ? finding.why.map(({ code, severity }) => `${severity} ${code}`)
              : finding.at,
          ]),
        );
      expect(await checks(open(zoneAt(dns.endpoint)))).toEqual({
        zone: 'good',
        'name servers': 'good',
        updates: 'good',
      });
      const reader = open(zoneAt(dns.endpoint, { tsig: { ...readerKey, algorithm: 'hmac-sha256' } }), {
        secret: readerKey.secret,
      });
      expect((await checks(reader)).updates).toEqual([
        expect.stringMatching(/^error dns-(update-refused|unknown-key)/),
      ]);
      const { notes } = await reader.observe({} as never, AbortSignal.timeout(30_000));
      expect(notes.map(({ code, severity }) => `${severity} ${code}`)).toEqual([
        expect.stringMatching(/^warning dns-(update-refused|unknown-key)/),
      ]);
      expect(serial(dns)).toBe(before);
    });

    test('a CNAME beside other records, which servers accept and ignore, is no success', async () => {
      const dns = await lease();
      const zone = open(zoneAt(dns.endpoint, { records: [recordOf('busy', 'CNAME')] }));
      const { observations } = await zone.observe({} as never, AbortSignal.timeout(30_000));
      expect(observations).toMatchObject([{ status: 'present', spec: { rrset: null, besides: ['TXT'] } }]);
      const conflict = move(recordOf('busy', 'CNAME'), null, set(30, 'shop.internal.test.'));
      const failure = await failureOf(zone.perform(conflict, contextOf()));
      expect(failure.diagnostic.code).toMatch(/^dns-/);
      // At the apex there is always more.
      const apex = { ...recordOf('shop', 'CNAME'), name: 'internal.test.' };
      const above = open(zoneAt(dns.endpoint, { records: [apex] }));
      const refused = await failureOf(
        above.perform(move(apex, null, set(30, 'shop.internal.test.')), contextOf()),
      );
      expect(refused.diagnostic.code).toMatch(/^dns-/);
      expect(await now(dns, 'busy', 'CNAME')).toBeNull();
      expect(await now(dns, 'busy', 'TXT')).toEqual(set(60, '"hands off"'));
    });

    test("addresses and a CNAME take each other's place in one update: nobody ever asks in vain", async () => {
      const dns = await lease();
      const zone = open(zoneAt(dns.endpoint));
      const cx = contextOf();
      const [a, aaaa, alias] = (['A', 'AAAA', 'CNAME'] as const).map((type) => recordOf('flip', type));
      if (a === undefined || aaaa === undefined || alias === undefined) throw new Error('three records');
      const [four, six] = [set(5, '10.5.0.1', '10.5.0.2'), set(7, '2001:db8::51')];
      await zone.perform(move(a, null, four), cx);
      await zone.perform(move(aaaa, null, six), cx);

      // The TTLs of both go down before, in one update too.
      const lower = {
        ...move(alias, null, null),
        beside: [
          { record: a, from: four, to: { ...four, ttlSeconds: 1 } },
          { record: aaaa, from: six, to: { ...six, ttlSeconds: 1 } },
        ],
      };
      await zone.perform(lower, cx);
      expect([await now(dns, 'flip', 'A'), await now(dns, 'flip', 'AAAA')]).toEqual([
        { ...four, ttlSeconds: 1 },
        { ...six, ttlSeconds: 1 },
      ]);
      await zone.perform(backFrom(lower), cx);

      const there = replace(alias, set(5, 'shop.internal.test.'), [
        { record: a, rrset: four },
        { record: aaaa, rrset: six },
      ]);
      const asked = askOn(dns, 'flip.internal.test');
      for (let turn = 0; turn < 4; turn++) {
        expect(await zone.look(there, cx)).toEqual({ at: 'before' });
        await zone.perform(there, cx);
        expect(await zone.look(there, cx)).toEqual({ at: 'after' });
        const standing = serial(dns);
        await zone.perform(there, cx);
        expect(serial(dns)).toBe(standing);
        expect(await zone.seen(there, cx)).toMatchObject([
          { address: alias.address, spec: { rrset: set(5, 'shop.internal.test.'), besides: [] } },
          { address: a.address, spec: { rrset: null, instead: [{ type: 'CNAME' }] } },
          { address: aaaa.address, spec: { rrset: null } },
        ]);
        await zone.perform(backFrom(there), cx);
        expect(await zone.look(there, cx)).toEqual({ at: 'before' });
      }
      const answers = await asked.stop();
      const plain = 'A 10.5.0.1, A 10.5.0.2';
      expect(new Set(answers)).toEqual(new Set([plain, `CNAME shop.internal.test, ${blueText}`]));
      expect(answers.length).toBeGreaterThan(50);

      // Sent all the same, the addresses would be gone, and the CNAME ignored.
      const note = recordOf('flip', 'TXT');
      await zone.perform(move(note, null, set(60, '"mine"')), cx);
      const { effect, diagnostic } = await failureOf(zone.perform(there, cx));
      expect({ effect, code: diagnostic.code }).toEqual({ effect: 'none', code: 'dns-cname-conflict' });
      expect(diagnostic.detail).toContain('flip.internal.test. has TXT');
      await zone.perform(move(a, four, set(5, '10.5.0.9')), cx);
      const elsewhere = await zone.look(there, cx);
      expect(elsewhere).toEqual({
        at: 'elsewhere',
        seen: 'is A 10.5.0.9 (TTL 5 s), AAAA 2001:db8::51 (TTL 7 s) now',
      });
      expect((await failureOf(zone.perform(there, cx))).diagnostic.code).toBe('dns-conflict');
      expect(await now(dns, 'flip', 'A')).toEqual(set(5, '10.5.0.9'));
    });

    test('however a record is written, here or by others, applied it is what is declared', async ({
      skip,
    }) => {
      if (!existsSync('/usr/bin/nsupdate')) return skip('without nsupdate: not covered');
      const dns = await lease();
      const records = await declaredRecords();
      const zone = open(zoneAt(dns.endpoint, { records: records.map(({ traffic }) => traffic.record) }));
      const cx = contextOf();
      const seen = async (): Promise<unknown> => {
        const { observations } = await zone.observe({} as never, AbortSignal.timeout(30_000));
        return observations.map((each) =>
          each.status === 'present' && each.kind === 'record' ? each.spec.rrset : each,
        );
      };
      const wanted = records.map(({ rrset }) => rrset);
      for (const { traffic, rrset } of records) {
        await zone.perform(move(traffic.record, null, rrset), cx);
        await zone.perform(convergeOn(traffic.record, rrset), cx);
      }
      expect(await seen()).toEqual(wanted);
      for (const { traffic, rrset } of records) await zone.perform(move(traffic.record, rrset, null), cx);
      expect(await seen()).toEqual(wanted.map(() => null));

      const { host, port } = dns.endpoint;
      const lines = records.flatMap(({ live }) => live.map((each) => `update add ${each}`));
      execFileSync('/usr/bin/nsupdate', ['-v', '-y', `hmac-sha256:${key.name}:${key.secret}`], {
        input: [`server ${host} ${port}`, 'zone internal.test.', ...lines, 'send', ''].join('\n'),
        stdio: 'pipe',
      });
      expect(await seen()).toEqual(wanted);
      // The values are required as they are declared, and compared by the server.
      for (const { traffic, rrset } of records) await zone.perform(move(traffic.record, rrset, null), cx);
      expect(await seen()).toEqual(wanted.map(() => null));
    });

    test('an older run of the same state changes nothing more', async () => {
      await using dns = await start();
      const zone = open(zoneAt(dns.endpoint));
      await zone.perform(move(recordOf('shop'), blue, green), contextOf(7));
      const failure = await failureOf(zone.perform(move(recordOf('shop'), green, blue), contextOf(6)));
      expect(failure.diagnostic.code).toBe('newer-run');
      expect(await now(dns)).toEqual(green);
    });

    test('what lies below a delegation, and a wildcard, are seen for what they are', async () => {
      const dns = await lease();
      const records = [recordOf('a.sub'), recordOf('x.wild')];
      const { observations } = await open(zoneAt(dns.endpoint, { records })).observe(
        {} as never,
        AbortSignal.timeout(30_000),
      );
      expect(observations).toMatchObject([
        { spec: { rrset: null, delegation: 'sub.internal.test.' } },
        { spec: { rrset: null, delegation: null, wildcardTtlSeconds: 60 } },
      ]);
      // Servers say NOERROR, and even give it away in a transfer; nobody who asks ever sees it.
      const below = open(zoneAt(dns.endpoint, { records }));
      const failure = await failureOf(below.perform(move(recordOf('a.sub'), null, green), contextOf()));
      expect(failure).toMatchObject({ effect: 'none', diagnostic: { code: 'dns-below-a-delegation' } });
    });

    test('where the zone is not given away it is read by questions, and said so', async () => {
      await using dns = await start({ withoutTransfer: true });
      const zone = open(zoneAt(dns.endpoint));
      const { observations, notes } = await zone.observe({} as never, AbortSignal.timeout(30_000));
      expect(observations).toMatchObject([{ status: 'present', spec: { rrset: blue } }]);
      expect(notes.map(({ code }) => code)).toContain('dns-zone-not-transferred');
      await zone.perform(move(recordOf('shop'), blue, green), contextOf());
      expect(await zone.look(move(recordOf('shop'), blue, green), contextOf())).toEqual({ at: 'after' });
      // 1.4 KB: each answer comes truncated, and is asked for again over TCP.
      const ninety = set(60, ...Array.from({ length: 90 }, (_, index) => `10.2.0.${index + 1}`));
      await zone.perform(move(recordOf('shop'), green, ninety), contextOf());
      expect(await now(dns)).toEqual(ninety);
      await zone.perform(converge(ninety), contextOf());
    });

    test('a zone that the server does not serve is unknown, and no update of it is a success', async () => {
      const dns = await lease();
      const record = { ...recordOf('shop'), name: 'shop.gone.test.' };
      const zone = open(zoneAt(dns.endpoint, { zone: 'gone.test.', records: [record] }));
      const { observations } = await zone.observe({} as never, AbortSignal.timeout(30_000));
      expect(observations).toMatchObject([
        { status: 'unknown', why: { code: expect.stringMatching(/^dns-(question-refused|server-lame)/) } },
      ]);
      const failure = await failureOf(zone.perform(move(record, null, green), contextOf()));
      expect(failure).toMatchObject({ effect: 'none', diagnostic: { hint: expect.any(String) } });
    });

    test('a server that is gone is unknown, and a change survives its death', async () => {
      await using dns = await start();
      const zone = open(zoneAt(dns.endpoint));
      await zone.perform(move(recordOf('shop'), blue, green), contextOf());
      await dns.kill9();
      const { observations } = await zone.observe({} as never, AbortSignal.timeout(30_000));
      expect(observations).toMatchObject([{ status: 'unknown', why: { code: 'dns-server-unreachable' } }]);
      expect(await zone.look(move(recordOf('shop'), green, blue), contextOf())).toMatchObject({
        at: 'unknown',
      });
      await dns.start();
      expect(await now(dns)).toEqual(green);
    });

    test('with strict, a change of the TTL between look and write is seen as well', async () => {
      const dns = await lease();
      const zone = open(zoneAt(dns.endpoint, { strict: true }));
      await zone.perform(move(recordOf('shop'), blue, green), contextOf());
      expect(await now(dns)).toEqual(green);
    });
  });
}
