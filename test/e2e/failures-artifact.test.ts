/** Artifacts that are not what was promised, or would reach outside of their folder: refused before anything is sent. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codesOf, eventsOf } from '../rig/outcomes.ts';
import { packRelease, type Scene, startScene } from '../rig/scene.ts';
import { shopService } from '../rig/service-text.ts';

const service = shopService({ hosts: ['web-1'] });

describe('artifacts that must not be installed', { timeout: 180_000 }, () => {
  let scene: Scene;
  let release: string;
  beforeAll(async () => {
    scene = await startScene({ webHosts: 1, service });
    expect((await scene.cli('apply', '--auto-approve')).code).toBe(0);
    release = readFileSync(join(scene.environment, 'prod.hcl'), 'utf8');
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  const declareSha256 = (hex: string | undefined): void =>
    writeFileSync(
      join(scene.environment, 'prod.hcl'),
      hex === undefined
        ? release
        : release.replace(
            /( *)artifact = .*/,
            (line, blanks: string) => `${line}\n${blanks}sha256   = "${hex}"`,
          ),
    );

  /** Plan and apply both refuse with this error; nothing of it is on the host, and 1.0.0 serves. */
  const expectRefused = async (code: string, words: readonly (string | RegExp)[]): Promise<void> => {
    const planned = await scene.cli('plan');
    expect(planned.code).toBe(1);
    for (const word of words) expect(planned.stderr).toMatch(word);
    const document = JSON.parse((await scene.cli('plan', '--json')).stdout);
    expect(codesOf(document.diagnostics)).toEqual([code]);
    const applied = await scene.cli('apply', '--auto-approve', '--json');
    expect(applied.code).toBe(1);
    expect(applied.stderr).toBe(planned.stderr);
    const [summary] = eventsOf(applied);
    expect(summary).toMatchObject({ type: 'summary', outcome: 'refused', exit_code: 1 });
    expect(await scene.servedBy()).toBe('1.0.0');
    expect(installed()).toEqual([expect.stringMatching(/^1\.0\.0-/)]);
  };

  const installed = (): readonly string[] =>
    execFileSync('ls', [join(scene.fleet.folder, 'web-1/home/srv/shop/releases')], { encoding: 'utf8' })
      .trim()
      .split('\n');

  test('another sha256 than the declared one', async () => {
    scene.setVersion('2.0.0');
    declareSha256('0'.repeat(64));
    await expectRefused('artifact-digest-mismatch', [
      /^│ Error: The artifact is not the one that is declared/m,
      /environments\/prod\/prod\.hcl line \d+, in release "shop"/,
      /0000000000/,
    ]);
    const real = createHash('sha256')
      .update(readFileSync(join(scene.folder, 'dist/shop-2.0.0.tar.gz')))
      .digest('hex');
    declareSha256(real);
    expect((await scene.cli('plan', '--detailed-exitcode')).code).toBe(2);
    declareSha256(undefined);
  });

  test('an entry with ../ in its name', async () => {
    writeFileSync(join(scene.folder, 'dist/shop-9.1.0.tar.gz'), tarWith('../../escaped', 'x'));
    scene.setVersion('9.1.0');
    await expectRefused('artifact-unsafe-entry', [/Error: /, /\.\.\/\.\.\/escaped/]);
  });

  test('a symbolic link to an absolute path', async () => {
    const from = join(scene.folder, 'build/9.2.0');
    mkdirSync(from, { recursive: true });
    symlinkSync('/etc/passwd', join(from, 'config'));
    execFileSync('tar', ['-czf', join(scene.folder, 'dist/shop-9.2.0.tar.gz'), '-C', from, '.']);
    scene.setVersion('9.2.0');
    await expectRefused('artifact-unsafe-entry', [/Error: /, /config/, /\/etc\/passwd/]);
  });

  test('an artifact that is not there, and one that is cut off', async () => {
    scene.setVersion('9.9.9');
    await expectRefused('artifact-missing', [/shop-9\.9\.9\.tar\.gz/]);
    const whole = readFileSync(join(scene.folder, 'dist/shop-2.0.0.tar.gz'));
    writeFileSync(join(scene.folder, 'dist/shop-9.3.0.tar.gz'), whole.subarray(0, whole.length - 100));
    scene.setVersion('9.3.0');
    await expectRefused('artifact-broken', [/shop-9\.3\.0\.tar\.gz/]);
  });

  test('one that changed between plan --out and apply: exit 6, and the file is named', async () => {
    scene.setVersion('2.0.0');
    expect((await scene.cli('plan', '--out', 'two.plan')).code).toBe(0);
    const path = join(scene.folder, 'dist/shop-2.0.0.tar.gz');
    const whole = readFileSync(path);
    packRelease(scene.folder, '2.0.0');
    writeFileSync(path, gzipSync(Buffer.concat([execFileSync('gunzip', ['-c', path])]), { level: 1 }));
    const applied = await scene.cli('apply', 'two.plan');
    expect(applied.code).toBe(6);
    expect(applied.stderr).toContain('The saved plan no longer fits the world');
    expect(applied.stderr).toContain('shop-2.0.0.tar.gz');
    expect(await scene.servedBy()).toBe('1.0.0');
    writeFileSync(path, whole);
    expect((await scene.cli('apply', 'two.plan')).code).toBe(0);
    expect(await scene.servedBy()).toBe('2.0.0');
  });

  test('status and revert need no artifact on the machine that they are asked from', async () => {
    const away = join(scene.folder, 'away');
    renameSync(join(scene.folder, 'dist'), away);
    const status = await scene.cli('status');
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/in sync · healthy/);
    expect(status.stdout).toContain('told by its version alone');
    expect((await scene.cli('plan')).code).toBe(1);
    const reverted = await scene.cli('revert', '--auto-approve');
    renameSync(away, join(scene.folder, 'dist'));
    expect(reverted.code).toBe(0);
    expect(await scene.servedBy()).toBe('1.0.0');
  });
});

/** A tar archive of one file, whatever its name says. */
function tarWith(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write(content);
  return gzipSync(Buffer.concat([header, body, Buffer.alloc(1024)]));
}
