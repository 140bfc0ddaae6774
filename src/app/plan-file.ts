/** A saved plan: JSON in a file that only its owner can read, whole or not at all, and refused if a byte was changed. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type Diagnostic, type Outcome, type Plan, writeCanonicalJson } from '../model/index.ts';

const magic = 'deployctl plan';

/** SHA-256 over everything of the plan but the digest itself. */
export function digestOf(plan: Omit<Plan, 'digest'>): string {
  const hash = createHash('sha256');
  let part = '';
  writeCanonicalJson(plan, (text) => {
    part += text;
    if (part.length < 65_536) return;
    hash.update(part);
    part = '';
  });
  return hash.update(part).digest('hex');
}

export const withDigest = (plan: Omit<Plan, 'digest'>): Plan => ({ ...plan, digest: digestOf(plan) });

/** Writes it beside its place and renames it there. Throws what the file system says. */
export function savePlan(plan: Plan, path: string): void {
  const part = `${path}.${process.pid}.part`;
  rmSync(part, { force: true });
  const file = openSync(part, 'wx', 0o600);
  try {
    writeSync(file, `${JSON.stringify({ file: magic, format: plan.format, plan })}\n`);
    fsyncSync(file);
  } catch (error) {
    closeSync(file);
    rmSync(part, { force: true });
    throw error;
  }
  closeSync(file);
  renameSync(part, path);
}

/** Whether the file looks like a saved plan at all: `apply` and `show` take plans and other things by one argument. */
export function isPlanFile(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    closeSync(file);
    return readFileSync(path).subarray(0, 40).toString('utf8').startsWith(`{"file":"${magic}"`);
  } catch {
    return false;
  }
}

export function loadPlan(path: string): Outcome<Plan> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return failed(path, `It cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return failed(path, 'It is not a plan that deployctl saved, or it is cut off.');
  }
  if (!isEnvelope(envelope)) return failed(path, 'It is not a plan that deployctl saved.');
  if (envelope.format !== 1) {
    return failed(path, `It has format ${String(envelope.format)}, and this deployctl knows format 1.`);
  }
  const { digest, ...rest } = envelope.plan;
  if (digestOf(rest) !== digest)
    return failed(path, 'It was changed since it was saved: its digest does not fit.');
  return { ok: true, value: envelope.plan, diagnostics: [] };
}

const isEnvelope = (value: unknown): value is { readonly format: unknown; readonly plan: Plan } =>
  typeof value === 'object' &&
  value !== null &&
  'file' in value &&
  value.file === magic &&
  'format' in value &&
  'plan' in value &&
  typeof value.plan === 'object' &&
  value.plan !== null;

const failed = (path: string, why: string): Outcome<never> => ({
  ok: false,
  diagnostics: [
    {
      code: 'plan-file-invalid',
      severity: 'error',
      summary: 'The file is not a plan that can be applied',
      detail: `${path}: ${why}`,
      hint: 'Make a plan anew:  deployctl plan --out FILE',
    } satisfies Diagnostic,
  ],
});
