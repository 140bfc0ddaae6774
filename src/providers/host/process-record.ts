/**
 * What a process was started with, as it is kept beside it on its host. One line of JSON.
 *
 * Secrets are kept as a salted HMAC: enough to see that one has changed since, too little to learn it.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { canonicalJson, type ProcessDeclared, type RunningProcess } from '../../model/index.ts';

export interface ProcessRecord {
  readonly format: 1;
  readonly running: RunningProcess;
  /** By the name of the environment variable: salt and HMAC-SHA-256 of the value, in hex. */
  readonly secrets: Readonly<Record<string, { readonly salt: string; readonly digest: string }>>;
}

/** The values of a process's environment with every secret read. */
export type ResolvedEnvironment = Readonly<Record<string, string>>;

export function makeProcessRecord(running: RunningProcess, resolved: ResolvedEnvironment): ProcessRecord {
  const secrets: Record<string, { salt: string; digest: string }> = {};
  for (const [name, value] of Object.entries(running.process.environment)) {
    if (typeof value === 'string') continue;
    const salt = randomBytes(16).toString('hex');
    secrets[name] = { salt, digest: digestOf(salt, resolved[name] ?? '') };
  }
  return { format: 1, running, secrets };
}

export const writeProcessRecord = (record: ProcessRecord): string => canonicalJson(record);

const digestOf = (salt: string, value: string): string =>
  createHmac('sha256', Buffer.from(salt, 'hex')).update(value).digest('hex');

/** Whether a variable was started with this very value of its secret. */
export function isSameSecret(record: ProcessRecord, name: string, value: string): boolean {
  const kept = record.secrets[name];
  return kept !== undefined && digestOf(kept.salt, value) === kept.digest;
}

export type ParsedRecord =
  | { readonly ok: true; readonly record: ProcessRecord }
  | { readonly ok: false; readonly why: string };

/** Reads a record back. The file may have been edited: what is not a record is told, not believed. */
export function parseProcessRecord(text: string): ParsedRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, why: 'it is not JSON' };
  }
  if (!isObject(value)) return { ok: false, why: 'it is not an object' };
  if (value.format !== 1) return { ok: false, why: 'it was written by a newer deployctl' };
  const running = value.running;
  const secrets = value.secrets;
  if (!isObject(running) || typeof running.release !== 'string' || !isObject(running.process)) {
    return { ok: false, why: 'it names no process' };
  }
  const process = running.process;
  const hasCommon =
    typeof process.unit === 'string' &&
    typeof process.stopTimeoutMs === 'number' &&
    isObject(process.environment);
  const hasOwn =
    process.kind === 'script'
      ? isWords(process.start) && isWords(process.stop) && isWords(process.status)
      : (process.kind === 'exec' || process.kind === 'systemd') && isWords(process.command);
  if (!hasCommon || !hasOwn || !isObject(secrets)) return { ok: false, why: 'its process is not complete' };
  return {
    ok: true,
    record: {
      format: 1,
      running: { release: running.release, process: process as unknown as ProcessDeclared },
      secrets: secrets as ProcessRecord['secrets'],
    },
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isWords = (value: unknown): boolean =>
  Array.isArray(value) && value.every((word) => typeof word === 'string');
