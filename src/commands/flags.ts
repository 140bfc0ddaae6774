/** Arguments and flags that several commands share, and what the application gets of them. */
import type { ReadStream } from 'node:tty';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { systemClock } from '../app/clock.ts';
import type { AppContext, ConfigurationAsk } from '../app/context.ts';
import { passphraseAsker } from '../ui/passphrase.ts';
import { VERSION } from '../version.ts';
import { openLog } from './log.ts';
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

/** How the world is looked at for a plan. */
export const refreshFlags = {
  'refresh-only': Flags.boolean({
    description: 'Only what others changed since it was recorded; apply records it as it stands.',
    exclusive: ['no-refresh'],
  }),
  'no-refresh': Flags.boolean({
    description: 'Plan from the record, and read nothing; apply looks before it changes anything.',
  }),
};

export const conciseFlag = { concise: Flags.boolean({ description: 'One line for each change.' }) };

export const parallelismFlag = {
  parallelism: Flags.integer({ description: 'How many steps at once.', default: 10, min: 1, helpValue: 'N' }),
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
  ...parallelismFlag,
  json: Flags.boolean({ description: 'One event a line on standard output, and nothing else.' }),
  ...lockFlags,
  ...conciseFlag,
};

export const jsonFlag = { json: Flags.boolean({ description: 'One JSON document.' }) };

function traceOf({ environment, stderr }: Terminal): Pick<AppContext, 'trace'> {
  const log = openLog(environment, stderr, () => systemClock.now());
  return log.level === 'off' ? {} : { trace: log };
}

/** A person is told each thing once, though the configuration may be read before the lock is held and again under it. */
function noticeOnce({ stderr }: Terminal): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    if (!told.has(text)) stderr.write(`${text}\n`);
    told.add(text);
  };
}

export const appContext = (terminal: Terminal): AppContext => ({
  cwd: process.cwd(),
  environment: terminal.environment,
  clock: systemClock,
  toolVersion: VERSION,
  call: terminal.call,
  askPassphrase: terminal.interactive
    ? passphraseAsker({ input: terminal.stdin as ReadStream, output: terminal.stderr })
    : undefined,
  ...traceOf(terminal),
  notice: noticeOnce(terminal),
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
