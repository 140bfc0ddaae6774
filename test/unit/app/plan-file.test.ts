import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isPlanFile, loadPlan, savePlan, withDigest } from '../../../src/app/plan-file.ts';
import { planOf } from '../../rig/planning.ts';
import { declare, seen, service } from '../../rig/worlds.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plan-'));
  path = join(folder, 'p.plan');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const shop = service();
const { digest: _, ...planned } = planOf({
  declared: declare([shop]),
  observations: seen(shop, { blue: '1.0.0' }, 'blue'),
});
const plan = withDigest(planned);

test('a saved plan is the same plan, and only its owner can read it', () => {
  savePlan(plan, path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(isPlanFile(path)).toBe(true);
  expect(loadPlan(path)).toEqual({ ok: true, value: plan, diagnostics: [] });
});

test('saving again replaces it whole', () => {
  writeFileSync(path, 'something else', { mode: 0o644 });
  savePlan(plan, path);
  expect(loadPlan(path).ok).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a plan of which any part was changed is refused', () => {
  savePlan(plan, path);
  const text = readFileSync(path, 'utf8');
  const changes = [
    text.replace('2.0.0-22222222', '2.0.0-33333333'),
    text.replace('"stateSerial":0', '"stateSerial":1'),
    text.replace('shop_green', 'shop_blue'),
    text.slice(0, -20),
    text.replace('"format":1', '"format":2'),
    '{}',
    '',
  ];
  for (const changed of changes) {
    expect(changed).not.toBe(text);
    writeFileSync(path, changed);
    const loaded = loadPlan(path);
    expect(loaded.ok).toBe(false);
    expect(loaded.diagnostics.map((each) => each.code)).toEqual(['plan-file-invalid']);
  }
});

test('an environment is not taken for a plan', () => {
  writeFileSync(path, 'host "a" {}\n');
  expect(isPlanFile(path)).toBe(false);
  expect(isPlanFile(folder)).toBe(false);
  expect(isPlanFile(join(folder, 'nothing'))).toBe(false);
});
