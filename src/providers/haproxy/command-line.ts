/** How a running HAProxy was started. Pure. */

export interface CommandLine {
  /** Files and folders after -f and after --, in order. */
  readonly files: readonly string[];
  /** The folder of -C, which is where relative files are looked for. */
  readonly chdir: string | undefined;
}

/** Options of HAProxy 2.6 that take one value. `-sf`, `-st` and `-x` are the master's own, after a reload. */
const withValue = new Set(['-f', '-n', '-N', '-L', '-p', '-m', '-S', '-C', '-x', '-o']);

/** Reads the argument list of a master, as /proc shows it. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const files: string[] = [];
  let chdir: string | undefined;
  for (let index = 1; index < argv.length; index += 1) {
    const option = argv[index] ?? '';
    if (option === '--') {
      files.push(...argv.slice(index + 1));
      break;
    }
    if (!withValue.has(option)) continue;
    index += 1;
    const value = argv[index];
    if (value === undefined) break;
    if (option === '-f') files.push(value);
    if (option === '-C') chdir = value;
  }
  return { files, chdir };
}

/** A file a line, for a script. */
export const configFilesOf = (files: readonly string[]): string => files.join('\n');
