/** Names, contents and messages as bytes, held against rules of the RFCs and against a codec that is not ours. */
import { decode, encode } from 'dns-packet';
import { describe, expect, test } from 'vitest';
import { encodeMessage, parseMessage } from '../../../src/dns/message.ts';
import { decodeName, encodeName, readName, readNameIn, readOwnerIn } from '../../../src/dns/name.ts';
import { decodeRdata, encodeRdata, txtValue } from '../../../src/dns/rdata.ts';
import { isAtLeast } from '../../../src/dns/serial.ts';
import { ReplyVerifier, signRequest } from '../../../src/dns/tsig.ts';
import { types } from '../../../src/dns/types.ts';
import { encodeUpdate, replaceSets, requireSet } from '../../../src/dns/update.ts';

test.for([
  ['Shop.Internal.TEST', 'shop.internal.test.'],
  ['bücher.test.', 'xn--bcher-kva.test.'],
  ['_http._tcp.shop.', '_http._tcp.shop.'],
])('%s is %s, there and back', ([written = '', canonical = '']) => {
  expect(readName(written)).toEqual({ name: canonical });
  expect(decodeName(encodeName(canonical), 0)).toEqual({ name: canonical, next: canonical.length + 1 });
});

test.for(['a..b', `${'x'.repeat(64)}.test`, 'foo/bar.test', '*.test', `${'abcdefghi.'.repeat(26)}`])(
  '%s is refused',
  (written) => {
    expect(readName(written)).toHaveProperty('refused');
  },
);

test('a record may be that of all names below another, and nothing else may', () => {
  expect(readOwnerIn('*', 'internal.test.')).toEqual({ name: '*.internal.test.' });
  expect(readOwnerIn('*.Apps', 'internal.test.')).toEqual({ name: '*.apps.internal.test.' });
  expect(readOwnerIn('*.apps.internal.test.', 'internal.test.')).toEqual({ name: '*.apps.internal.test.' });
  expect(readOwnerIn('*.apps.internal.test', 'internal.test.')).toHaveProperty('hint');
  for (const refused of ['a.*', '*.*', '**', '*a', '*..a'])
    expect(readOwnerIn(refused, 'internal.test.')).toHaveProperty('refused');
  expect(readNameIn('*.apps', 'internal.test.')).toHaveProperty('refused');
});

test('a name with the zone in it and no dot is asked about', () => {
  expect(readNameIn('shop.internal.test', 'internal.test.')).toHaveProperty('hint');
  expect(readNameIn('@', 'internal.test.')).toEqual({ name: 'internal.test.' });
});

test.for([
  ['A', '10.0.1.11', '10.0.1.11'],
  ['AAAA', '2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['AAAA', '::ffff:10.0.0.1', '::ffff:a00:1'],
  ['TXT', '"two words" "\\"q\\""', '"two words" "\\"q\\""'],
  ['SRV', '0 5 8081 web-1.test.', '0 5 8081 web-1.test.'],
] as const)('%s %s is canonical as %s', ([type, written, canonical]) => {
  expect(decodeRdata(types[type], encodeRdata(types[type], written))).toBe(canonical);
});

test.for([
  ['A', '300.1.1.1'],
  ['A', '10.1'],
  ['A', '010.1.1.1'],
  ['AAAA', '1::2::3'],
  ['AAAA', '10.0.0.1'],
  ['SRV', '0 0 70000 a.'],
] as const)('%s %s is refused', ([type, written]) => {
  expect(() => encodeRdata(types[type], written)).toThrow();
});

test('a long text is cut into pieces of 255 bytes', () => {
  expect(encodeRdata(types.TXT, txtValue('x'.repeat(300)))).toHaveLength(302);
});

test('serials go round', () => {
  expect([isAtLeast(5, 5), isAtLeast(6, 5), isAtLeast(5, 6), isAtLeast(1, 2 ** 32 - 1)]).toEqual([
    true,
    true,
    false,
    true,
  ]);
});

describe('messages', () => {
  test('a question of ours is read by another codec, and its answer by ours', () => {
    const question = encodeMessage({
      id: 7,
      opcode: 0,
      questions: [{ name: 'shop.test.', type: types.A, class: 1 }],
    });
    expect(decode(Buffer.from(question))).toMatchObject({
      id: 7,
      questions: [{ name: 'shop.test', type: 'A' }],
    });
    const answer = encode({
      type: 'response',
      id: 7,
      flags: 0x400,
      answers: [{ type: 'CNAME', name: 'web.test', ttl: 5, data: 'shop.test' }],
    });
    const [record] = parseMessage(answer).answers;
    expect(record).toMatchObject({ name: 'web.test.', ttl: 5 });
    expect(decodeRdata(types.CNAME, record?.rdata ?? new Uint8Array())).toBe('shop.test.');
  });

  test('cut off anywhere, or followed by anything, it is refused', () => {
    const whole = encode({
      type: 'response',
      id: 7,
      answers: [{ type: 'A', name: 'shop.test', ttl: 5, data: '10.0.0.1' }],
    });
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseMessage(whole.subarray(0, length))).toThrow();
    }
    expect(() => parseMessage(Buffer.concat([whole, Buffer.of(0)]))).toThrow('follow');
    expect(() => decodeName(Uint8Array.of(0xc0, 0), 0)).toThrow('forwards');
  });

  test('an update has its conditions, then deletions, then additions, and survives its own reading', () => {
    const update = encodeUpdate(1, {
      zone: 'test.',
      requirements: [requireSet('a.test.', types.A, ['10.0.0.1']), requireSet('a.test.', types.CNAME, null)],
      edits: replaceSets([
        { name: 'a.test.', type: types.CNAME, set: { ttlSeconds: 5, values: ['b.test.'] } },
        { name: 'a.test.', type: types.A, set: null },
      ]),
    });
    const { opcode, answers, authority } = parseMessage(update);
    expect(opcode).toBe(5);
    expect(answers.map((each) => [each.class, each.ttl, each.rdata.length])).toEqual([
      [1, 0, 4],
      [254, 0, 0],
    ]);
    expect(authority.map((each) => [each.class, each.type, each.ttl, each.rdata.length])).toEqual([
      [255, types.CNAME, 0, 0],
      [255, types.A, 0, 0],
      [1, types.CNAME, 5, 8],
    ]);
  });

  test('a signature holds for one key, one time and every byte', () => {
    const key = { name: 'k.', algorithm: 'hmac-sha256', secret: Buffer.from('secret') } as const;
    const now = 1_700_000_000_000;
    const message = encodeMessage({
      id: 9,
      opcode: 0,
      questions: [{ name: 'test.', type: types.SOA, class: 1 }],
    });
    const { bytes, mac } = signRequest(message, key, now);
    expect(mac).toHaveLength(32);
    expect(signRequest(message, key, now + 1000).mac).not.toEqual(mac);
    // A reply is signed over the request as well: the request itself is no reply to itself.
    const verdict = new ReplyVerifier(key, mac).verify(bytes, parseMessage(bytes), now);
    expect(verdict).toMatchObject({ verified: false, why: 'its signature is wrong' });
    expect(new ReplyVerifier(key, mac).verify(message, parseMessage(message), now)).toMatchObject({
      verified: false,
      why: 'it is not signed',
    });
    const signed = parseMessage(bytes);
    for (const rdata of [Uint8Array.of(), Uint8Array.of(5), Uint8Array.of(0, 1, 2)]) {
      const garbled = signed.signature && {
        ...signed,
        signature: { ...signed.signature, record: { ...signed.signature.record, rdata } },
      };
      if (garbled === undefined) throw new Error('not signed');
      expect(new ReplyVerifier(key, mac).verify(bytes, garbled, now)).toEqual({
        verified: false,
        why: 'its signature cannot be read',
        error: 0,
      });
    }
  });
});
