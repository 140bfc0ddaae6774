/** Secrets are read when they are used, and kept only in the memory of this process. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  currentSecret,
  type Diagnostic,
  ProviderFailure,
  type SecretSource,
  systemReason,
} from '../model/index.ts';

const commandTimeoutMs = 30_000;

/** Reads each secret at most once. Rejects with a `ProviderFailure` that names the secret and never its value. */
export function secretReader(
  secrets: Readonly<Record<string, SecretSource>>,
  environment: Readonly<Record<string, string | undefined>>,
): (name: string) => Promise<string> {
  const read = new Map<string, Promise<string>>();
  return (wanted) => {
    const name = currentSecret(wanted);
    const known = read.get(name);
    if (known !== undefined) return known;
    const source = secrets[name];
    const value =
      source === undefined
        ? Promise.reject(failure(name, 'It is not declared.'))
        : readSecret(name, source, environment);
    read.set(name, value);
    return value;
  };
}

async function readSecret(
  name: string,
  source: SecretSource,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  switch (source.from) {
    case 'env': {
      const value = environment[source.name];
      if (value === undefined || value === '')
        throw failure(name, `The environment variable ${source.name} is not set.`);
      return value;
    }
    case 'file':
      return withoutLineEnd(
        await readFile(source.path, 'utf8').catch((error: unknown) => {
          throw failure(name, `${source.path} cannot be read: ${systemReason(error)}.`);
        }),
      );
    case 'command': {
      const [program = '', ...args] = source.argv;
      const { stdout } = await promisify(execFile)(program, args, {
        timeout: commandTimeoutMs,
        maxBuffer: 1 << 20,
      }).catch((error: NodeJS.ErrnoException & { readonly killed?: boolean }) => {
        throw failure(name, `The command ${program} ${whyFailed(error)}.`);
      });
      return withoutLineEnd(stdout);
    }
  }
}

/** As a clause about the program. */
function whyFailed(error: Error & { readonly code?: unknown; readonly killed?: boolean }): string {
  if (error.killed === true) return `took longer than ${commandTimeoutMs / 1000} s`;
  if (typeof error.code === 'number') return `ended with code ${error.code}`;
  return `could not be run: ${systemReason(error, { ENOENT: 'there is no such program on the PATH' })}`;
}

/** One line end at the end belongs to the file or the program, not to the secret. */
const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '');

const failure = (name: string, why: string): ProviderFailure =>
  new ProviderFailure(
    {
      code: 'secret-unreadable',
      severity: 'error',
      summary: 'A secret cannot be read',
      detail: `secret.${name}: ${why}`,
      hint: 'Set it where the secret block says, then run the command again.',
    } satisfies Diagnostic,
    'none',
  );
