/** Artifacts by URL, from a real HTTP server on loopback that breaks, redirects and refuses. */

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Artifacts, artifactCache } from '../../../src/app/artifacts.ts';
import { Call } from '../../../src/app/call.ts';
import type { AppContext } from '../../../src/app/context.ts';
import { shownUrl } from '../../../src/model/index.ts';
import { netrcAuthorization } from '../../../src/transport/index.ts';
import { realClock } from '../../rig/clock.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const content = randomBytes(3_000_000);
const digest = sha256(content);

let folder: string;
let asked: IncomingMessage[];
let answer: Answer;
let origin: string;
const server = createServer((request, response) => {
  asked.push(request);
  answer(request, response);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deployctl-artifacts-'));
  asked = [];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const context = (): AppContext => ({
  cwd: folder,
  environment: { XDG_CACHE_HOME: folder, NETRC: join(folder, 'netrc') },
  clock: realClock,
  toolVersion: '0.0.0',
  call: new Call(['test']),
});

const cache = (): string => artifactCache(context().environment);

/** As a plan does it: read from the configuration, then had because a host needs it. */
async function fetch(url: string, wanted = digest) {
  const artifacts = new Artifacts(context());
  const declared = await artifacts.read(url, wanted);
  if (!('sha256' in declared)) return { declared, outcome: undefined };
  return { declared, outcome: await artifacts.ensure(declared) };
}

const whole: Answer = ({ headers }, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  if (start > 0)
    response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': content.length - start });
  response.end(content.subarray(start));
};

test('is not asked for while it is only declared, is fetched once, and has no secret in what is shown', async () => {
  answer = whole;
  const url = `${origin.replace('//', '//kim:pa55word@')}/shop-2.0.0.jar?X-Amz-Signature=5ecret`;
  const declared = await new Artifacts(context()).read(url, digest.toUpperCase());
  expect(asked).toHaveLength(0);
  expect(declared).toEqual({
    path: `${origin}/shop-2.0.0.jar?...`,
    fromUrl: true,
    kind: 'file',
    fileName: 'shop-2.0.0.jar',
    sha256: digest,
    bytes: null,
  });
  const { outcome } = await fetch(url);
  expect(outcome).toMatchObject({ ok: true, value: { bytes: 3_000_000 } });
  expect(asked[0]?.url).toBe('/shop-2.0.0.jar?X-Amz-Signature=5ecret');
  expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('kim:pa55word').toString('base64')}`);
  expect((await stat(join(cache(), digest))).mode & 0o777).toBe(0o600);
  expect((await stat(cache())).mode & 0o777).toBe(0o700);
  // Another process, the same content under another URL: the cache is by content.
  expect((await fetch(`${origin}/mirror/shop-2.0.0.jar`)).declared).toMatchObject({ bytes: 3_000_000 });
  expect(asked).toHaveLength(1);
});

test('a download that breaks goes on where it stopped', async () => {
  let broken = 0;
  answer = (request, response) => {
    if (broken === 2) return whole(request, response);
    broken += 1;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start > 0)
      response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': content.length - start });
    response.write(content.subarray(start, start + 1_000_000), () => response.destroy());
  };
  const { outcome } = await fetch(`${origin}/shop.jar`);
  expect(outcome?.ok).toBe(true);
  const offsets = asked.map(({ headers }) => Number(headers.range?.slice('bytes='.length, -1) ?? 0));
  expect(offsets[0]).toBe(0);
  expect(offsets[1]).toBeGreaterThan(0);
  expect(offsets[2]).toBeGreaterThanOrEqual(1_000_000);
  expect(sha256(await readFile(join(cache(), digest)))).toBe(digest);
  expect(await readdir(cache())).toEqual([digest]);
});

test('what a dead process left of it is gone on with, and is not believed where it is wrong', async () => {
  answer = whole;
  await mkdir(cache(), { recursive: true });
  // No process has this number: it is above the largest that Linux gives.
  const part = join(cache(), `${digest}.4194305.part`);
  await writeFile(part, content.subarray(0, 2_000_000));
  expect((await fetch(`${origin}/shop.jar`)).outcome?.ok).toBe(true);
  expect(asked.map(({ headers }) => headers.range)).toEqual(['bytes=2000000-']);
  await rm(join(cache(), digest));
  await writeFile(part, randomBytes(2_000_000));
  expect((await fetch(`${origin}/shop.jar`)).outcome?.ok).toBe(true);
  expect(asked.map(({ headers }) => headers.range)).toEqual(['bytes=2000000-', 'bytes=2000000-', undefined]);
  expect(await readdir(cache())).toEqual([digest]);
});

test('of what several dead processes left, the longest part is gone on with', async () => {
  answer = whole;
  await mkdir(cache(), { recursive: true });
  for (const [pid, bytes] of [
    [4194305, 1_000_000],
    [4194306, 2_000_000],
    [4194307, 500_000],
  ] as const) {
    await writeFile(join(cache(), `${digest}.${pid}.part`), content.subarray(0, bytes));
  }
  expect((await fetch(`${origin}/shop.jar`)).outcome?.ok).toBe(true);
  expect(asked.map(({ headers }) => headers.range)).toEqual(['bytes=2000000-']);
});

test('a cache that was damaged mends itself', async () => {
  answer = whole;
  await mkdir(cache(), { recursive: true });
  await writeFile(join(cache(), digest), 'not it');
  expect((await fetch(`${origin}/shop.jar`)).outcome).toMatchObject({
    ok: true,
    value: { bytes: 3_000_000 },
  });
});

test('a name and a password from netrc go to their server, and not where it redirects to', async () => {
  const elsewhere = origin.replace('127.0.0.1', 'localhost');
  answer = (request, response) =>
    request.url === '/moved.jar'
      ? response.writeHead(302, { location: `${elsewhere}/there.jar` }).end()
      : whole(request, response);
  await writeFile(join(folder, 'netrc'), 'machine 127.0.0.1 login kim password pa55word\n', { mode: 0o600 });
  // localhost may be ::1 first: the server listens on 127.0.0.1, and Node tries both.
  expect((await fetch(`${origin}/moved.jar`)).outcome?.ok).toBe(true);
  expect(asked.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, false]);
});

test.for<[string, Answer, string, RegExp]>([
  [
    'nothing there',
    (_, r) => r.writeHead(404).end(),
    'artifact-not-fetched',
    /has nothing there \(HTTP 404\)/,
  ],
  ['no right to it', (_, r) => r.writeHead(403).end(), 'artifact-not-fetched', /refused it \(HTTP 403\)/],
  [
    'another content',
    (_, r) => r.end('<html>'),
    'artifact-digest-mismatch',
    /is declared\. What came was thrown away/,
  ],
  [
    'redirects without end',
    (q, r) => r.writeHead(302, { location: `${q.url}/` }).end(),
    'artifact-not-fetched',
    /redirected more than 5 times/,
  ],
  [
    'a redirect to a file',
    (_, r) => r.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    'artifact-not-fetched',
    /redirects to file:\/\/, which is not followed/,
  ],
  [
    'more than there may be',
    (_, r) => r.writeHead(200, { 'content-length': 2 ** 50 }).flushHeaders(),
    'artifact-not-fetched',
    /larger than/,
  ],
])('%s is told, without what is secret in the URL, and leaves nothing', async ([, refuse, code, words]) => {
  answer = refuse;
  const { outcome } = await fetch(`${origin}/shop.jar?token=5ecret`);
  const [diagnostic] = outcome?.diagnostics ?? [];
  expect(diagnostic).toMatchObject({ code, detail: expect.stringMatching(words) });
  expect(JSON.stringify(outcome)).not.toContain('5ecret');
  expect((await readdir(cache())).filter((name) => !name.endsWith('.part'))).toEqual([]);
});

test('an archive with entries that lead out never comes into the cache', async () => {
  const path = join(folder, 'bad.tar.gz');
  await writeFile(join(folder, 'x'), 'x');
  execFileSync('tar', ['-czPf', path, '--transform', 's,^,/etc/,', '-C', folder, 'x'], { stdio: 'ignore' });
  const bytes = await readFile(path);
  answer = (_, response) => response.end(bytes);
  const { outcome } = await fetch(`${origin}/bad.tar.gz`, sha256(bytes));
  expect(outcome).toMatchObject({ ok: false, diagnostics: [{ code: 'artifact-unsafe-entry' }] });
  expect(await readdir(cache())).toEqual([]);
});

test.for<[string, string]>([
  ['ftp://example.test/shop.jar', 'artifact-url'],
  ['https://example.test/', 'artifact-name'],
  ['https://example.test/..%2f..%2fetc', 'artifact-name'],
  ['https://example.test/shop.zip', 'artifact-kind'],
])('%s is refused before anything is asked: %s', async ([url, code]) => {
  expect((await fetch(url)).declared).toMatchObject({ code });
});

test('a URL that is shown has neither user, nor password, nor the values of its query', () => {
  expect(shownUrl('https://u:p@example.test:8443/a%20b/c.jar?sig=1#f')).toBe(
    'https://example.test:8443/a%20b/c.jar?...',
  );
});

test.for<[string, string, string | undefined]>([
  ['machine a.test login u password p', 'a.test', 'u:p'],
  ['# machine a.test login no\nmachine b.test\n  login u\n  password p\n', 'b.test', 'u:p'],
  ['machine b.test login u password p', 'a.test', undefined],
  ['machine b.test login u password p default login d password e', 'a.test', 'd:e'],
  ['machine a.test login u', 'a.test', 'u:'],
])('%j for %s', ([text, host, wanted]) => {
  const found = netrcAuthorization(text, host);
  expect(found === undefined ? undefined : Buffer.from(found.slice(6), 'base64').toString()).toBe(wanted);
});
