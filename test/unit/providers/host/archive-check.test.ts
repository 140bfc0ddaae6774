import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { archiveLimits, checkArchive, leadsOut } from '../../../../src/providers/host/archive-check.ts';

type Entry = Partial<Header> & { readonly name: string; readonly text?: string };

async function archive(entries: readonly Entry[]): Promise<Buffer> {
  const packed = pack();
  for (const { text, ...header } of entries) {
    if (header.type === undefined || header.type === 'file') packed.entry(header as Header, text ?? 'x');
    else packed.entry(header as Header);
  }
  packed.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packed) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const check = (bytes: Buffer, gzipped = false) => checkArchive(Readable.from([bytes]), gzipped);

describe('an archive is fit to be unpacked', () => {
  test.for([
    [
      'files and folders',
      [{ name: './', type: 'directory' }, { name: 'bin/', type: 'directory' }, { name: 'bin/run' }],
    ],
    [
      'a link within the archive',
      [{ name: 'releases/1/a' }, { name: 'now', type: 'symlink', linkname: 'releases/1' }],
    ],
    ['a link one folder up', [{ name: 'a/b', type: 'symlink', linkname: '../c' }, { name: 'c' }]],
    ['a hard link to an entry', [{ name: 'a' }, { name: 'b', type: 'link', linkname: 'a' }]],
    ['dots in names', [{ name: '..a' }, { name: 'b..' }, { name: '...' }]],
    ['a long name', [{ name: `${'long/'.repeat(60)}name` }]],
    ['names of any language', [{ name: 'ünïcode/日本' }]],
  ] as readonly [string, readonly Entry[]][])('with %s', async ([, entries]) => {
    expect(await check(await archive(entries))).toMatchObject({ ok: true });
    expect(await check(gzipSync(await archive(entries)), true)).toMatchObject({ ok: true });
  });
});

describe('an archive must not be unpacked', () => {
  test.for([
    ['an absolute path', [{ name: '/etc/passwd' }], /absolute path/],
    ['a way up', [{ name: '../../etc/cron.d/x' }], /leads out/],
    ['a way up in the middle', [{ name: 'a/../../b' }], /leads out/],
    ['a way up at the end', [{ name: 'a/..' }], /leads out/],
    ['a link to an absolute path', [{ name: 'a', type: 'symlink', linkname: '/etc' }], /link that leads out/],
    ['a link that leads out', [{ name: 'a/b', type: 'symlink', linkname: '../../x' }], /link that leads out/],
    ['a link to the folder above', [{ name: 'a', type: 'symlink', linkname: '..' }], /link that leads out/],
    [
      'a link that leads out through another link',
      [
        { name: 'sub/up', type: 'symlink', linkname: '..' },
        { name: 'out', type: 'symlink', linkname: 'sub/up/..' },
      ],
      /"out" is a link that leads out/,
    ],
    [
      'a file behind a link',
      [{ name: 'a', type: 'symlink', linkname: 'b' }, { name: 'a/file' }],
      /through the link "a"/,
    ],
    [
      'a file behind a link that comes later',
      [{ name: 'a/file' }, { name: 'a', type: 'symlink', linkname: 'b' }],
      /through the link "a"/,
    ],
    [
      'a hard link to what a link leads to',
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'c', type: 'link', linkname: 'a/secret' },
      ],
      /through the link "a"/,
    ],
    ['a hard link that leads out', [{ name: 'a', type: 'link', linkname: '../../etc/shadow' }], /hard link/],
    ['a hard link to an absolute path', [{ name: 'a', type: 'link', linkname: '/etc/shadow' }], /hard link/],
    ['a character device', [{ name: 'null', type: 'character-device' }], /character-device/],
    ['a block device', [{ name: 'sda', type: 'block-device' }], /block-device/],
    ['a pipe', [{ name: 'pipe', type: 'fifo' }], /fifo/],
    ['a setuid file', [{ name: 'su', mode: 0o4755 }], /setuid/],
    ['a setgid folder', [{ name: 'd/', type: 'directory', mode: 0o2755 }], /setgid/],
    ['an escape sequence in a name', [{ name: 'a\x1b[2Jb' }], /control characters/],
    ['a newline in a name', [{ name: 'a\nb' }], /control characters/],
  ] as readonly [string, readonly Entry[], RegExp][])('with %s', async ([, entries, reason]) => {
    const verdict = await check(await archive(entries));
    expect(verdict).toMatchObject({ ok: false, because: 'unsafe' });
    expect(verdict.ok ? '' : verdict.reasons.join('\n')).toMatch(reason);
    expect(verdict.ok ? '' : verdict.reasons.join('\n')).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  test('with a bomb, by what it says about itself', async () => {
    const bytes = await archive([{ name: 'zeros', text: 'x' }]);
    const octal = (archiveLimits.unpackedBytes + 1).toString(8);
    bytes.write(`${octal.padStart(12, '0')}`, 124, 'latin1');
    bytes.fill(' ', 148, 156);
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const verdict = await check(bytes);
    expect(verdict).toMatchObject({ ok: false, because: 'unsafe' });
    expect(verdict.ok ? '' : verdict.reasons.join()).toMatch(/unpacks to more/);
  });

  test('and all reasons are told, up to ten', async () => {
    const verdict = await check(
      await archive(Array.from({ length: 30 }, (_, n) => ({ name: `/absolute-${n}` }))),
    );
    expect(verdict.ok ? [] : verdict.reasons).toHaveLength(11);
    expect(verdict.ok ? '' : verdict.reasons.at(-1)).toBe('and 20 more');
  });
});

describe('an archive cannot be read', () => {
  test.for([
    ['that is something else', Buffer.from('#!/bin/sh\necho not an archive\n'.repeat(50)), false],
    ['that is not compressed, but is called so', Buffer.alloc(2048, 1), true],
    ['that is empty', Buffer.alloc(0), false],
    ['that has no entries', Buffer.alloc(1024), false],
  ] as const)('%s', async ([, bytes, gzipped]) => {
    expect(await check(bytes, gzipped)).toMatchObject({ ok: false, because: 'broken' });
  });

  test.for([100, 600, 1500])('that ends after %d bytes', async (length) => {
    const whole = await archive([{ name: 'a', text: 'x'.repeat(2000) }, { name: 'b' }]);
    expect(await check(whole.subarray(0, length))).toMatchObject({ ok: false });
    const zipped = gzipSync(whole);
    expect(await check(zipped.subarray(0, Math.floor(zipped.length / 2)), true)).toMatchObject({ ok: false });
  });

  test('a thousand random changes of one byte never hang it and never make it throw', async () => {
    const whole = await archive([
      { name: 'a/b', text: 'hello' },
      { name: 'l', type: 'symlink', linkname: 'a' },
    ]);
    for (let at = 0; at < 1000; at += 1) {
      const changed = Buffer.from(whole);
      changed[(at * 7) % 1536] = (at * 31) & 255;
      expect(typeof (await check(changed)).ok).toBe('boolean');
    }
  });
});

test.for([
  ['a', 'b', false],
  ['a/b', '../c', false],
  ['a/b', '../../c', true],
  ['a/b', './../c', false],
  ['a', '.', false],
  ['a', '..', true],
  ['a/b', '..', false],
  ['a', 'b/../c', true],
  ['a', '', true],
  ['a', '/etc', true],
] as const)('a link at %s to %s leads out: %s', ([path, target, out]) => {
  expect(leadsOut(path, target)).toBe(out);
});
