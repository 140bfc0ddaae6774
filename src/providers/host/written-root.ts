/**
 * An install root below a home folder stands in the files as `~/srv/shop`, and so does `release.path` in what a process,
 * a health check or a hook is given. No shell reads those: they get the folder as it is on their host. What is compared
 * and recorded stays as it is declared, alike on all hosts.
 */
import type { EnvironmentValue, Place, ProcessDeclared } from '../../model/index.ts';

/** The same text with the folder of this host wherever the install root is written in it. */
export function atRealRoot({ install: { root, rootAsWritten } }: Place, text: string): string {
  if (rootAsWritten === undefined) return text;
  return text.replaceAll(rootAsWritten, (written, at: number) =>
    isWhole(rootAsWritten, text.slice(at + written.length)) ? root : written,
  );
}

/** Not a longer name that begins alike; a `~` alone may be anything, so there it is only the folder of a release. */
const isWhole = (written: string, rest: string): boolean =>
  written === '~' ? /^\/releases(?![\w.-])/.test(rest) : !/^[\w.-]/.test(rest);

export const commandAtRealRoot = (place: Place | undefined, argv: readonly string[]): readonly string[] =>
  place === undefined ? argv : argv.map((word) => atRealRoot(place, word));

/** A secret's value is left as it is: nobody wrote a path of ours into it. */
export const environmentAtRealRoot = (
  place: Place | undefined,
  environment: Readonly<Record<string, EnvironmentValue>>,
): Readonly<Record<string, EnvironmentValue>> =>
  place === undefined
    ? environment
    : Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [
          name,
          typeof value === 'string' ? atRealRoot(place, value) : value,
        ]),
      );

export function processAtRealRoot(place: Place, process: ProcessDeclared): ProcessDeclared {
  const environment = environmentAtRealRoot(place, process.environment);
  if (process.kind !== 'script')
    return { ...process, environment, command: commandAtRealRoot(place, process.command) };
  return {
    ...process,
    environment,
    start: commandAtRealRoot(place, process.start),
    stop: commandAtRealRoot(place, process.stop),
    status: commandAtRealRoot(place, process.status),
  };
}
