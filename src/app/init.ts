/** Starts an environment: writes a configuration where there is none, and never over anything. */
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { type Diagnostic, systemReason } from '../model/index.ts';
import { shellWord } from '../model/shell-word.ts';
import { environmentNames, findEnvironment } from './environment.ts';
import { AppFailure } from './failure.ts';
import { type StartingBalancer, startingConfiguration } from './starting-configuration.ts';

export interface Begun {
  readonly name: string;
  /** As the user would type it. */
  readonly file: string;
  /** The .gitignore that was added to; undefined: what it needs was there. */
  readonly ignored: string | undefined;
}

const usualName = 'prod';

/** `asked`: a name under `environments/`, or the path of a folder. Throws an `AppFailure` before anything is written. */
export function beginEnvironment(asked: string | undefined, balancer: StartingBalancer, cwd: string): Begun {
  if (asked === undefined) refuseSecond(cwd);
  const ask = asked ?? usualName;
  const isPath = ask.includes('/');
  const folder = isPath ? resolve(cwd, ask) : join(cwd, 'environments', ask);
  const name = isPath ? basename(folder) : ask;
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) throw new AppFailure([badName(name)]);
  const shown = relative(cwd, folder) || '.';
  const configured = hclFilesOf(folder, shown);
  if (configured.length > 0) throw new AppFailure([begunBefore(shown, configured, name)]);
  const file = join(shown, 'main.hcl');
  try {
    mkdirSync(folder, { recursive: true });
    const handle = openSync(join(folder, 'main.hcl'), 'wx');
    try {
      writeFileSync(handle, startingConfiguration(isPath && !isNamed(folder) ? shown : name, balancer));
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw new AppFailure([notWritten(file, error)]);
  }
  return { name: isNamed(folder) ? name : shown, file, ignored: ignoreState(folder, cwd) };
}

/** Whether its name alone finds it: it lies in a folder `environments`. */
const isNamed = (folder: string): boolean => basename(resolve(folder, '..')) === 'environments';

const stateFolder = '.deployctl/';

/** The state is this machine's, and names hosts, commands and people: it belongs into no repository. */
function ignoreState(folder: string, cwd: string): string | undefined {
  const project = isNamed(folder) ? resolve(folder, '../..') : cwd;
  const path = join(project, '.gitignore');
  const shown = relative(cwd, path);
  try {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (text.split('\n').some((line) => /^\/?(\*\*\/)?\.deployctl\/?\s*$/.test(line))) return undefined;
    const start = text === '' || text.endsWith('\n') ? '' : '\n';
    appendFileSync(path, `${start}# what deployctl records on this machine\n${stateFolder}\n`);
    return shown;
  } catch (error) {
    throw new AppFailure([notWritten(shown, error)]);
  }
}

function hclFilesOf(folder: string, shown: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.hcl'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new AppFailure([notWritten(shown, error)]);
  }
}

/** `init` by itself is for a project without any environment. */
function refuseSecond(cwd: string): void {
  const there = findEnvironment(undefined, cwd);
  if (!there.ok && there.diagnostics.some(({ code }) => code === 'no-environment')) return;
  const names = there.ok ? [there.value.name] : environmentNames(cwd);
  throw new AppFailure([
    {
      code: 'environment-exists',
      severity: 'error',
      summary: 'There is an environment already',
      detail: `Here ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}. Nothing was written, and nothing has to be: deployctl downloads nothing, and the record begins with the first apply.`,
      hint: 'To begin another environment, name it:  deployctl init NAME',
    },
  ]);
}

const begunBefore = (shown: string, files: readonly string[], name: string): Diagnostic => ({
  code: 'environment-exists',
  severity: 'error',
  summary: 'The environment has a configuration already',
  detail: `${shown} holds ${files.join(', ')}. Nothing was written: init never writes over anything.`,
  hint: `See whether it is right:  deployctl validate ${shellWord(name)}\nTo begin another environment, give another name:  deployctl init NAME`,
});

const badName = (name: string): Diagnostic => ({
  code: 'environment-name-invalid',
  severity: 'error',
  summary: 'Not a name for an environment',
  detail: `"${name}" would be a folder, a word of command lines and a part of file names. Nothing was written.`,
  hint: 'Use letters, digits, ".", "-" and "_", a letter or digit first:  deployctl init prod',
});

const [mayNot, inTheWay] = ['this user may not write there', 'a file stands where a folder should be'];
const whyNotWritten = { EACCES: mayNot, EPERM: mayNot, ENOTDIR: inTheWay, EEXIST: inTheWay };

const notWritten = (path: string, error: unknown): Diagnostic => ({
  code: 'not-written',
  severity: 'error',
  summary: 'The configuration could not be written',
  detail: `${path}: ${systemReason(error, whyNotWritten)}.`,
  hint: 'Go to the folder of the project, or name one with -C.',
});
