/** What oclif's parser refuses, in our words: one diagnostic for each thing that is wrong with a command line. */
import type { Diagnostic } from '../model/index.ts';
import { nearest } from './nearest.ts';
import { flagsElsewhere } from './other-tools.ts';

/** The parts of oclif's parse errors that are used here; its classes are not told apart by name in a bundle. */
interface ParseError extends Error {
  readonly oclif?: unknown;
  readonly flags?: readonly string[];
  readonly args?: readonly (string | { readonly name: string })[];
  readonly parse?: unknown;
}

export interface CommandUsage {
  /** As it is typed: `state list`. */
  readonly command: string;
  /** Its flags without dashes, the global ones too. */
  readonly flags: readonly string[];
  readonly argv: readonly string[];
  /** Those of them that stand on the command line; the others come from the environment. */
  readonly typed: readonly string[];
}

/** Undefined: not an error of the command line. */
export function usageDiagnostics(error: unknown, usage: CommandUsage): readonly Diagnostic[] | undefined {
  if (!(error instanceof Error) || !('oclif' in error)) return undefined;
  const { flags, args, message } = error as ParseError;
  // What is too many is text, what is missing is the definition of an argument.
  const names = (args ?? []).flatMap((each) => (typeof each === 'string' ? [] : [each.name.toUpperCase()]));
  const help = `"deployctl ${usage.command} --help" tells what it takes.`;
  if (flags !== undefined) return flags.map((flag) => unknownFlag(flag, usage));
  if (args !== undefined && names.length === 0) {
    return [
      {
        code: 'unexpected-argument',
        severity: 'error',
        summary: 'There is an argument too many',
        detail: `"deployctl ${usage.command}" does not take ${args.map((each) => `"${each}"`).join(' and ')}.`,
        hint: help,
      },
    ];
  }
  if (args !== undefined) {
    return [
      {
        code: 'missing-argument',
        severity: 'error',
        summary: 'An argument is missing',
        detail: `"deployctl ${usage.command}" needs ${names.join(' and ')}.`,
        hint: help,
      },
    ];
  }
  const sentences = message
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replaceAll(/Parsing (--[\w-]+)\s+/g, '$1: ')
    .replaceAll(
      /(--[\w-]+)=\S* cannot also be provided when using (--[\w-]+)/g,
      '$1 and $2 cannot be given together',
    )
    .replaceAll(/Expected (--[\w-]+)=(.*) to be one of: (.*)/g, '$1 is "$2", and must be one of $3')
    .replaceAll(
      /: Expected an integer greater than or equal to (\d+) but received: /g,
      ' must be a whole number from $1 on, and is ',
    )
    .replaceAll(/: Expected an integer but received: /g, ' must be a whole number, and is ');
  return [
    {
      code: 'invalid-arguments',
      severity: 'error',
      summary: 'The command line does not make sense',
      detail: sentences
        .split('\n')
        .map((line) => line.trim().replace(/([^.:])$/, '$1.'))
        .join(' '),
      hint: help,
    },
  ];
}

/** Flags that stand before the command: `deployctl -C elsewhere plan`. */
const beforeCommand = new Set(['-C', '--chdir']);

function unknownFlag(flag: string, usage: CommandUsage): Diagnostic {
  const written = usage.argv.find((each) => each === flag || each.startsWith(`${flag}=`)) ?? flag;
  const isTyped = usage.typed.includes(written);
  return {
    code: 'unknown-flag',
    severity: 'error',
    summary: 'Unknown flag',
    detail: `"deployctl ${usage.command}" has no flag ${written}.${isTyped ? '' : ' It was not typed: it comes from DEPLOYCTL_CLI_ARGS.'}`,
    hint: `${mendOf(flag, written, usage)} "deployctl ${usage.command} --help" lists its flags.`.trim(),
  };
}

function mendOf(flag: string, written: string, { command, flags }: CommandUsage): string {
  const bare = written.replace(/^-+/, '');
  const name = bare.replace(/=.*$/, '');
  if (beforeCommand.has(flag.replace(/=.*$/, '')) || name === 'chdir') {
    return `It stands before the command: "deployctl ${written.startsWith('-C') ? '-C' : '--chdir'} DIR ${command}".`;
  }
  if (!flag.startsWith('--') && flags.includes(name)) return `Flags have two dashes here: --${bare}.`;
  const elsewhere = flagsElsewhere[bare] ?? flagsElsewhere[name];
  if (elsewhere !== undefined) return elsewhere;
  const near = nearest(name, flags);
  return near === undefined ? '' : `Did you mean --${near}?`;
}
