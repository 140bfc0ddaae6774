import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fingerprintOf, KnownHosts, keyTypeOf } from '../../../src/transport/known-hosts.ts';
import { workMsOf } from '../../rig/work-time.ts';

const folder = mkdtempSync(join(tmpdir(), 'deployctl-known-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makeKey(type: string): { line: string; blob: Buffer; type: string } {
  const path = join(folder, `${type}-${Math.random().toString(36).slice(2)}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', path]);
  const [name = '', key = ''] = readFileSync(`${path}.pub`, 'utf8').trim().split(' ');
  return { line: `${name} ${key}`, blob: Buffer.from(key, 'base64'), type: name };
}

const own = makeKey('ed25519');
const other = makeKey('ed25519');
const rsa = makeKey('ecdsa');

/** As ssh-keygen itself hashes names. */
function hashed(text: string): string {
  const path = join(folder, 'to-hash');
  writeFileSync(path, text);
  execFileSync('ssh-keygen', ['-q', '-H', '-f', path], { stdio: 'ignore' });
  return readFileSync(path, 'utf8');
}

const file = (text: string) => new KnownHosts([{ path: 'known_hosts', text }]);

describe('a key that is shown by 10.0.0.5 on port 22', () => {
  test.for([
    ['is known by its line', `10.0.0.5 ${own.line}\n`, 'known'],
    ['is known by one of several names', `web-1,10.0.0.5,web ${own.line}\n`, 'known'],
    ['is known by a pattern', `10.0.*.? ${own.line}\n`, 'known'],
    ['is known by a hashed name', hashed(`10.0.0.5 ${own.line}\n`), 'known'],
    ['is known with tabs and a comment', `10.0.0.5\t${own.line.replace(' ', '\t')}  root@web-1\n`, 'known'],
    ['is known beside another key', `10.0.0.5 ${rsa.line}\n10.0.0.5 ${own.line}\n`, 'known'],
    ['is unknown in an empty file', '', 'unknown'],
    ['is unknown where only others are named', `10.0.0.6 ${own.line}\n`, 'unknown'],
    ['is unknown where a pattern forbids it', `10.0.0.*,!10.0.0.5 ${own.line}\n`, 'unknown'],
    ['is unknown where the line is a comment', `# 10.0.0.5 ${own.line}\n`, 'unknown'],
    ['is unknown where the line has a marker from the future', `@new 10.0.0.5 ${own.line}\n`, 'unknown'],
    ['is unknown on another port', `[10.0.0.5]:2222 ${own.line}\n`, 'unknown'],
    ['is changed where another key stands', `10.0.0.5 ${other.line}\n`, 'changed'],
    ['is changed where a hashed name has another key', hashed(`10.0.0.5 ${other.line}\n`), 'changed'],
    ['is changed where it is known by another type', `10.0.0.5 ${rsa.line}\n`, 'changed'],
    ['is changed where a pattern has another key', `10.0.0.* ${other.line}\n`, 'changed'],
    [
      'is revoked, even if another line knows it',
      `10.0.0.5 ${own.line}\n@revoked * ${own.line}\n`,
      'revoked',
    ],
    ['is revoked by a hashed name', `@revoked ${hashed(`10.0.0.5 ${own.line}\n`)}`, 'revoked'],
    ['is not revoked for others', `@revoked 10.9.* ${own.line}\n10.0.0.5 ${own.line}\n`, 'known'],
    ['has only an authority', `@cert-authority 10.0.0.* ${other.line}\n`, 'certificate_authority'],
    ['is known beside an authority', `@cert-authority * ${other.line}\n10.0.0.5 ${own.line}\n`, 'known'],
  ] as const)('%s', ([, text, verdict]) => {
    expect(file(text).verify('10.0.0.5', 22, own.blob).verdict).toBe(verdict);
  });

  test('names are compared without case', () => {
    expect(file(`Web-1.Example ${own.line}\n`).verify('WEB-1.example', 22, own.blob).verdict).toBe('known');
  });
});

describe('ports', () => {
  test('another port has its own line', () => {
    expect(file(`[10.0.0.5]:2222 ${own.line}\n`).verify('10.0.0.5', 2222, own.blob).verdict).toBe('known');
  });

  test('a key that is known for the bare name is good on every port, as with ssh', () => {
    expect(file(`10.0.0.5 ${own.line}\n`).verify('10.0.0.5', 2222, own.blob).verdict).toBe('known');
  });

  test('another key of the bare name does not make a port changed', () => {
    expect(file(`10.0.0.5 ${other.line}\n`).verify('10.0.0.5', 2222, own.blob).verdict).toBe('unknown');
  });
});

test('a changed key names all that are known, with file, line and fingerprint as ssh-keygen prints it', () => {
  const known = new KnownHosts([
    { path: 'a', text: `\n10.0.0.5 ${other.line}\n` },
    { path: 'b', text: `10.0.0.5 ${rsa.line}\n` },
  ]);
  const verdict = known.verify('10.0.0.5', 22, own.blob);
  expect(verdict).toEqual({
    verdict: 'changed',
    offered: fingerprintOf(own.blob),
    known: [
      { type: 'ssh-ed25519', fingerprint: fingerprintOf(other.blob), file: 'a', line: 2 },
      { type: rsa.type, fingerprint: fingerprintOf(rsa.blob), file: 'b', line: 1 },
    ],
  });
  const path = join(folder, 'one.pub');
  writeFileSync(path, `${own.line}\n`);
  expect(execFileSync('ssh-keygen', ['-lf', path], { encoding: 'utf8' })).toContain(fingerprintOf(own.blob));
});

test('the types a host is known by come from plain and pattern lines', () => {
  const known = file(`10.0.0.5 ${rsa.line}\n10.0.* ${own.line}\n10.1.0.5 ${own.line}\n`);
  expect(known.typesOf('10.0.0.5', 22)).toEqual([rsa.type, own.type]);
});

test('the type of a key is read from the key itself', () => {
  expect(keyTypeOf(own.blob)).toBe('ssh-ed25519');
  expect(keyTypeOf(Buffer.from([0, 0, 255, 255, 1]))).toBe('unknown');
  expect(keyTypeOf(Buffer.alloc(2))).toBe('unknown');
});

test('a thousand hosts against a thousand hashed lines cost one HMAC for each host, not a thousand', () => {
  const salt = Buffer.alloc(20).toString('base64');
  const lines = Array.from({ length: 1000 }, (_, index) => {
    const blob = Buffer.concat([own.blob.subarray(0, -4), Buffer.from([0, 0, index >> 8, index & 255])]);
    return `|1|${salt}|${Buffer.alloc(20, index).toString('base64')} ssh-ed25519 ${blob.toString('base64')}`;
  });
  const known = new KnownHosts([{ path: 'k', text: `${lines.join('\n')}\n10.0.0.5 ${own.line}\n` }]);
  const workMs = workMsOf(() => {
    for (let index = 0; index < 1000; index += 1) known.verify('10.0.0.5', 22, own.blob);
  });
  expect(workMs).toBeLessThan(2_000);
});

test('a pattern of many stars takes no exponential time', () => {
  const known = file(`${'*a'.repeat(30)}b ${own.line}\n`);
  const workMs = workMsOf(() => expect(known.verify('a'.repeat(200), 22, own.blob).verdict).toBe('unknown'));
  expect(workMs).toBeLessThan(200);
});
