/** The unit file of `process "systemd"`: pure. Values are written so that systemd reads back exactly what was declared. */
import type { ProcessDeclared } from '../../model/index.ts';

type SystemdProcess = Extract<ProcessDeclared, { kind: 'systemd' | 'exec' }>;

export interface UnitInput {
  readonly process: SystemdProcess;
  /**
   * The release's own folder, not the slot's symlink: what runs after a reboot or a restart by hand is what was
   * started, and undoing a start does not depend on when the symlink is moved back.
   */
  readonly folder: string;
  readonly user: string | undefined;
  readonly description: string;
  /** File with the secrets of the environment, readable for root only; undefined: there are none. */
  readonly secretsFile: string | undefined;
}

/**
 * A process that ends with a failure is started again, every 2 s, until it has failed 60 times within 5 minutes: then it
 * is left alone. Two minutes and more are what a database needs to come back after the power was off everywhere.
 */
const limitLines = ['StartLimitIntervalSec=300', 'StartLimitBurst=60'];
const restartLines = ['Restart=on-failure', 'RestartSec=2', 'SuccessExitStatus=143'];

const specifiers = (text: string): string => text.replaceAll('%', '%%');

/** The line that every unit for this install root has, and no other. */
export const unitMark = (root: string): string => `WorkingDirectory=${specifiers(root)}/releases/`;

export const unitDescription = (unit: string): string => `${unit} (deployctl)`;
export const secretsFileIn = (own: string): string => `${own}/environment.systemd`;

/** The whole file. 143: a JVM that was told to stop ends so, and it is not a failure. */
export function renderUnit({ process, folder, user, description, secretsFile }: UnitInput): string {
  const [program = '', ...rest] = process.command;
  const lines = [
    '# Written by deployctl: changes here are shown as drift and overwritten by the next start.',
    '[Unit]',
    `Description=${oneLine(description)}`,
    'After=network-online.target',
    'Wants=network-online.target',
    ...limitLines,
    '',
    '[Service]',
    'Type=exec',
    ...(user === undefined ? [] : [`User=${user}`]),
    `WorkingDirectory=${specifiers(folder)}`,
    ...Object.entries(process.environment).flatMap(([name, value]) =>
      typeof value === 'string' ? [`Environment=${quoted(`${name}=${value}`)}`] : [],
    ),
    ...(secretsFile === undefined ? [] : [`EnvironmentFile=${specifiers(secretsFile)}`]),
    `ExecStart=${[quotedCommand(absolute(program, folder)), ...rest.map(quotedCommand)].join(' ')}`,
    `TimeoutStopSec=${Math.ceil(process.stopTimeoutMs / 1000)}`,
    'KillMode=mixed',
    ...restartLines,
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  return lines.join('\n');
}

/** A program that is named by a path within the release; one without a slash is searched by systemd itself. */
const absolute = (program: string, folder: string): string =>
  program.includes('/') && !program.startsWith('/')
    ? `${folder}/${program.replace(/^(\.\/)+/, '')}`
    : program;

/** systemd.syntax(7): in double quotes, C escapes; systemd.unit(5): `%` begins a specifier everywhere. */
function quoted(text: string): string {
  const escaped = specifiers(text).replace(/[\\"\u0000-\u001f\u007f]/g, (character) => {
    if (character === '\\' || character === '"') return `\\${character}`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}

/** In a command line, systemd.service(5), `$` begins a variable as well. */
const quotedCommand = (text: string): string => quoted(text).replaceAll('$', '$$$$');

const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ');

/**
 * The secrets as `EnvironmentFile=` reads them, systemd.exec(5): within double quotes a backslash makes `"`, `\`, `$`
 * and a backtick literal; a newline stays one.
 */
export const renderSecretsFile = (secrets: Readonly<Record<string, string>>): string =>
  Object.entries(secrets)
    .map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, (character) => `\\${character}`)}"\n`)
    .join('');
