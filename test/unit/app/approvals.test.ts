/** Approvals with real keys and the real ssh-keygen. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { approvePlan, checkSigners, requireApprovals } from '../../../src/app/approvals.ts';
import { AppFailure } from '../../../src/app/failure.ts';
import { savePlan, withDigest } from '../../../src/app/plan-file.ts';
import type { Plan } from '../../../src/model/index.ts';
import { planOf } from '../../rig/planning.ts';
import { declare, seen, service } from '../../rig/worlds.ts';

const keys = mkdtempSync(join(tmpdir(), 'deployctl-keys-'));
const folder = join(keys, 'plans');
const planPath = join(folder, 'p.plan');
const signers = join(keys, 'allowed_signers');
const keyOf = (name: string): string => join(keys, name);
const publicKey = (name: string): string =>
  readFileSync(`${keyOf(name)}.pub`, 'utf8')
    .split(' ')
    .slice(0, 2)
    .join(' ');

beforeAll(() => {
  for (const name of ['kim', 'lee', 'ada', 'eve']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', keyOf(name)]);
  }
});
afterAll(() => rmSync(keys, { recursive: true, force: true }));

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  execFileSync('mkdir', [folder]);
  const line = (name: string, options = ''): string => `${name}@example.com ${options}${publicKey(name)}\n`;
  writeFileSync(signers, line('kim') + line('lee') + line('ada', 'namespaces="file" '));
});

const shop = service();

function saved(approvals: number, version = '1.0.0'): Plan {
  const declared = declare([shop]);
  const made = planOf({
    declared: { ...declared, policy: { ...declared.policy, approvals, allowedSigners: signers } },
    observations: seen(shop, { blue: version, green: '0.9.0' }, 'blue'),
  });
  const { digest: _, ...plan } = { ...made, author: 'kim@laptop' };
  const whole = withDigest(plan);
  savePlan(whole, planPath);
  return whole;
}

const approve = (plan: Plan, name: string) =>
  approvePlan({ plan, planPath, key: keyOf(name), who: `${name}@desk`, at: new Date(0) });

async function refusal(work: Promise<unknown>): Promise<{ readonly code: string; readonly detail: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppFailure)) throw new Error(`it was not refused: ${String(error)}`);
  const [first] = error.diagnostics;
  return { code: first?.code ?? '', detail: first?.detail ?? '' };
}

test('a plan that needs one is refused without, and taken with it', async () => {
  const plan = saved(1);
  expect(await refusal(requireApprovals(plan, planPath))).toEqual({
    code: 'approvals-missing',
    detail: 'It needs 1 signature of others than kim@laptop, and has none. Nothing was touched.',
  });
  expect((await approve(plan, 'lee')).principal).toBe('lee@example.com');
  expect((await requireApprovals(plan, planPath)).map(({ principal }) => principal)).toEqual([
    'lee@example.com',
  ]);
});

test('the author cannot approve, nor is a signature of theirs counted that was made elsewhere', async () => {
  const plan = saved(1);
  expect(await refusal(approve(plan, 'kim'))).toMatchObject({ code: 'approval-by-author' });
  await approvePlan({
    plan: { ...plan, author: 'nobody@else' },
    planPath,
    key: keyOf('kim'),
    who: 'x@y',
    at: new Date(0),
  });
  expect((await refusal(requireApprovals(plan, planPath))).detail).toContain(
    'kim@example.com made the plan.',
  );
});

test('a key that is not among the signers, or not for plans, does not count', async () => {
  const plan = saved(1);
  expect(await refusal(approve(plan, 'eve'))).toMatchObject({ code: 'approval-does-not-count' });
  expect(await refusal(approve(plan, 'ada'))).toMatchObject({
    code: 'approval-does-not-count',
    detail: expect.stringContaining('namespace'),
  });
  expect((await refusal(requireApprovals(plan, planPath))).detail).toContain('has none');
});

test('one person counts once, however many times they sign', async () => {
  const plan = saved(2);
  await approve(plan, 'lee');
  const again = readFileSync(`${planPath}.lee@example.com.sig`);
  writeFileSync(`${planPath}.again.sig`, again);
  expect((await refusal(requireApprovals(plan, planPath))).detail).toContain('has lee@example.com');
});

test('a signature of another plan is refused, and so is one whose text was changed', async () => {
  const old = saved(1);
  await approve(old, 'lee');
  const plan = saved(1, '1.1.0');
  expect((await refusal(requireApprovals(plan, planPath))).detail).toContain('it approves another plan');
  const path = `${planPath}.lee@example.com.sig`;
  const forged = readFileSync(path, 'utf8').replace(old.digest, plan.digest);
  writeFileSync(path, forged);
  expect((await refusal(requireApprovals(plan, planPath))).detail).toMatch(/sig: .*(signature|verif)/i);
});

test('a signer who was struck from the file counts no more', async () => {
  const plan = saved(1);
  await approve(plan, 'lee');
  writeFileSync(signers, `kim@example.com ${publicKey('kim')}\n`);
  expect((await refusal(requireApprovals(plan, planPath))).detail).toContain('its key is not among those of');
});

test('what is no approval is said, not stumbled over', async () => {
  const plan = saved(1);
  writeFileSync(`${planPath}.junk.sig`, '{"file":"deployctl approval","format":1}');
  appendFileSync(`${planPath}.more.sig`, '\u0000\u0001');
  const { detail } = await refusal(requireApprovals(plan, planPath));
  expect(detail).toContain('p.plan.junk.sig: it is no approval. p.plan.more.sig: it is no approval.');
});

test('that nobody can sign is known before a plan is', () => {
  const { policy } = saved(1).declared;
  expect(checkSigners(policy)).toBeUndefined();
  rmSync(signers);
  expect(checkSigners(policy)).toMatchObject({ code: 'allowed-signers-missing' });
  const { allowedSigners: _, ...none } = policy;
  expect(checkSigners(none)).toBeUndefined();
});
