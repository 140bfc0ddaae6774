/** A saved plan: JSON in a file that only its owner can read, whole or not at all, and refused if a byte was changed. */
import { createHash } from 'node:crypto';
import { accessSync, closeSync, constants, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type Diagnostic,
  type Outcome,
  type Plan,
  systemReason,
  writeCanonicalJson,
} from '../model/index.ts';
import { AppFailure } from './failure.ts';
import { writeWhole } from './whole-file.ts';

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

/**
 * The plan with its digest, which is worked out when it is first asked for: a plan that is only shown has no need of it,
 * and Node's crypto alone takes as long to load as such a plan to make.
 */
export function withDigest(plan: Omit<Plan, 'digest'>): Plan {
  let digest: string | undefined;
  return {
    ...plan,
    get digest() {
      digest ??= digestOf(plan);
      return digest;
    },
  };
}

/** Whether a plan could be saved there, asked before the time for making one is spent. Throws an `AppFailure`. */
export function refuseUnwritable(path: string | undefined): void {
  if (path === undefined) return;
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    }
    if (!statSync(dirname(path)).isDirectory()) {
      throw Object.assign(new Error('its folder is a file'), { code: 'ENOTDIR' });
    }
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new AppFailure([notSaved(path, error)]);
  }
}

/** Whole, and for its owner alone. Throws an `AppFailure` where the file system refuses. */
export function savePlan(plan: Plan, path: string): void {
  try {
    writeWhole(path, `${JSON.stringify({ file: magic, format: plan.format, plan })}\n`, 0o600);
  } catch (error) {
    throw new AppFailure([notSaved(path, error)]);
  }
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
    return failed(path, unreadable(error));
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

function unreadable(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'There is no such file.';
  return code === 'EISDIR' ? 'It is a folder.' : `It cannot be read: ${systemReason(error)}.`;
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
      hint: 'Make a plan:  deployctl plan ENV --out FILE',
    } satisfies Diagnostic,
  ],
});

const notSaved = (path: string, error: unknown): Diagnostic => ({
  code: 'plan-not-saved',
  severity: 'error',
  summary: 'The plan cannot be saved there',
  detail: `--out is ${path}: ${systemReason(error, { ENOENT: 'the folder does not exist', EACCES: 'this user may not write there' })}. Nothing was saved.`,
  hint: 'Name a file in a folder that this user may write: --out p.plan',
});
