/** Arguments and flags that several commands share, and what the application gets of them. */
import type { ReadStream } from 'node:tty';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { systemClock } from '../app/clock.ts';
import type { AppContext, ConfigurationAsk } from '../app/context.ts';
import { passphraseAsker } from '../ui/passphrase.ts';
import { VERSION } from '../version.ts';
import type { Terminal } from './terminal.ts';

export const environmentArgument = {
  environment: Args.string({
    description:
      'A name under environments/, or the path of a folder. With one environment it may be left out.',
  }),
};

export const configurationFlags = {
  var: Flags.string({
    description: 'The value of a variable, as name=value. Wins over every other.',
    multiple: true,
    helpValue: 'NAME=VALUE',
    helpGroup: 'CONFIGURATION',
  }),
  'var-file': Flags.string({
    description: 'A file with values of variables.',
    multiple: true,
    helpValue: 'FILE',
    helpGroup: 'CONFIGURATION',
  }),
};

export const selectionFlags = {
  target: Flags.string({
    description: 'Only this service, or the one that this is a part of. For exceptions.',
    multiple: true,
    helpValue: 'ADDRESS',
  }),
  exclude: Flags.string({
    description: 'Everything but this service. For exceptions.',
    multiple: true,
    helpValue: 'ADDRESS',
  }),
};

export const lockFlags = {
  'lock-timeout': Flags.string({
    description: 'How long to wait for the lock, as 30s.',
    default: '0s',
    helpValue: 'DURATION',
  }),
  'no-lock': Flags.boolean({
    description: 'Take no lock. Only where nobody else can be at work.',
  }),
};

export const runFlags = {
  'auto-approve': Flags.boolean({ description: 'Do not ask.' }),
  parallelism: Flags.integer({ description: 'How many steps at once.', default: 10, min: 1, helpValue: 'N' }),
  json: Flags.boolean({ description: 'One event a line on standard output, and nothing else.' }),
  ...lockFlags,
};

export const jsonFlag = { json: Flags.boolean({ description: 'One JSON document.' }) };

export const appContext = (terminal: Terminal): AppContext => ({
  cwd: process.cwd(),
  environment: terminal.environment,
  clock: systemClock,
  toolVersion: VERSION,
  commandLine: ['deployctl', ...process.argv.slice(2)].join(' '),
  askPassphrase: terminal.interactive
    ? passphraseAsker({ input: terminal.stdin as ReadStream, output: terminal.stderr })
    : undefined,
  notice: (text) => void terminal.stderr.write(`${text}\n`),
});

export const configurationAsk = (
  environment: string | undefined,
  flags: {
    readonly var?: readonly string[] | undefined;
    readonly 'var-file'?: readonly string[] | undefined;
  },
): ConfigurationAsk => ({
  environment,
  variables: flags.var ?? [],
  variableFiles: flags['var-file'] ?? [],
});
