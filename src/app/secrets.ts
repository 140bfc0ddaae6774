/** Secrets are read when they are used, and kept only in the memory of this process. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { currentSecret, type Diagnostic, ProviderFailure, type SecretSource } from '../model/index.ts';

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
        await readFile(source.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
          throw failure(name, `${source.path} cannot be read (${error.code ?? 'unknown error'}).`);
        }),
      );
    case 'command': {
      const [program = '', ...args] = source.argv;
      const { stdout } = await promisify(execFile)(program, args, {
        timeout: commandTimeoutMs,
        maxBuffer: 1 << 20,
      }).catch((error: NodeJS.ErrnoException & { readonly killed?: boolean }) => {
        const why =
          error.killed === true
            ? `took longer than ${commandTimeoutMs / 1000} s`
            : `failed (${error.code ?? 'unknown error'})`;
        throw failure(name, `The command ${program} ${why}.`);
      });
      return withoutLineEnd(stdout);
    }
  }
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
