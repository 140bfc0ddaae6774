/** Finds the folder of an environment, and reads what is in it. */
import { readdirSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { didYouMean } from '../hcl/eval/suggestion.ts';
import type { Diagnostic, Outcome } from '../model/index.ts';
import { shellWord } from '../model/shell-word.ts';
import { isPlanFile } from './plan-file.ts';
import { readConfigurationFile } from './read-file.ts';

export interface EnvironmentFolder {
  /** `prod`. */
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** As the user would type it from where they stand. */
  readonly displayFolder: string;
  /** Where `environments/` is, or where the command was started: relative state folders begin here. */
  readonly projectFolder: string;
}

export interface ConfigurationFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * `ask` is a name under `environments/`, or a path to a folder; undefined: the only environment there is. A name wins
 * over a folder of the same name beside it, because that is what the user means far more often.
 */
export function findEnvironment(ask: string | undefined, cwd: string): Outcome<EnvironmentFolder> {
  const environments = join(cwd, 'environments');
  const names = environmentNames(cwd);
  if (ask === undefined) {
    // environments/modules/ is where `source = "../modules/web"` leads: folders without files of their own are not meant.
    const declared = names.filter((name) => hasConfiguration(join(environments, name)));
    const choice = declared.length === 0 ? names : declared;
    const [only] = choice;
    if (choice.length === 1 && only !== undefined) return found(only, join(environments, only), cwd);
    if (choice.length === 0 && hasConfiguration(cwd)) return found(basename(cwd), cwd, cwd);
    return failed(choice.length === 0 ? noEnvironments(cwd) : whichEnvironment(choice));
  }
  const isName = /^[^/\\]+$/.test(ask) && ask !== '.' && ask !== '..';
  if (isName && names.includes(ask)) return found(ask, join(environments, ask), cwd);
  const folder = isAbsolute(ask) ? ask : resolve(cwd, ask);
  if (isFolder(folder)) return found(basename(folder), folder, cwd);
  return failed(isPlanFile(folder) ? planForEnvironment(ask) : noSuchEnvironment(ask, names, isFile(folder)));
}

/** The folders below `environments/`, in the order of their names. */
export const environmentNames = (cwd: string): readonly string[] => listFolders(join(cwd, 'environments'));

/** Whether a word alone after a command is an environment, and not the other thing that the command takes. */
export const isEnvironmentName = (word: string, cwd: string): boolean => environmentNames(cwd).includes(word);

/** The folder that is most likely meant by what was typed; undefined: it cannot be told. */
export function guessEnvironment(words: readonly string[], cwd: string): string | undefined {
  const names = environmentNames(cwd);
  const guessed = findEnvironment(
    words.find((word) => names.includes(word)),
    cwd,
  );
  return guessed.ok ? guessed.value.folder : undefined;
}

function found(name: string, folder: string, cwd: string): Outcome<EnvironmentFolder> {
  const parent = resolve(folder, '..');
  const projectFolder = basename(parent) === 'environments' ? resolve(parent, '..') : cwd;
  const shown = relative(cwd, folder);
  const displayFolder = shown === '' ? '.' : shown.startsWith('../../..') ? folder : shown;
  return { ok: true, value: { name, folder, displayFolder, projectFolder }, diagnostics: [] };
}

/** Every `*.hcl` of a folder, in the order of their names. Values of variables are in `*.vars.hcl`, which are not among them. */
export function readConfiguration(
  environment: Pick<EnvironmentFolder, 'folder' | 'displayFolder'>,
): readonly ConfigurationFile[] {
  return hclFiles(environment.folder)
    .filter((name) => !name.endsWith('.vars.hcl'))
    .map((name) => readShown(environment, name));
}

/** `*.auto.vars.hcl`, in the order of their names: later ones win. */
export function readAutoVariables(
  environment: Pick<EnvironmentFolder, 'folder' | 'displayFolder'>,
): readonly ConfigurationFile[] {
  return hclFiles(environment.folder)
    .filter((name) => name.endsWith('.auto.vars.hcl'))
    .map((name) => readShown(environment, name));
}

/** Files of values that nothing names: their owner may believe that they are read. */
export const unreadVariableFiles = (folder: string): readonly string[] =>
  hclFiles(folder).filter((name) => name.endsWith('.vars.hcl') && !name.endsWith('.auto.vars.hcl'));

const hclFiles = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.hcl') && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();

const readShown = (
  environment: Pick<EnvironmentFolder, 'folder' | 'displayFolder'>,
  name: string,
): ConfigurationFile => {
  const path = environment.displayFolder === '.' ? name : join(environment.displayFolder, name);
  return { path, bytes: readConfigurationFile(join(environment.folder, name), path) };
};

function listFolders(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
}

const hasConfiguration = (folder: string): boolean => {
  try {
    return hclFiles(folder).length > 0;
  } catch {
    return false;
  }
};

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

const failed = (diagnostic: Diagnostic): Outcome<never> => ({ ok: false, diagnostics: [diagnostic] });

const noEnvironments = (cwd: string): Diagnostic => ({
  code: 'no-environment',
  severity: 'error',
  summary: 'There is no environment here',
  detail: `${cwd} has no folder environments/, and no .hcl file of its own.`,
  hint: 'Go to the folder of the project, name one with -C, or give the path of an environment.\nTo begin one here:  deployctl init',
});

const whichEnvironment = (names: readonly string[]): Diagnostic => ({
  code: 'which-environment',
  severity: 'error',
  summary: 'Which environment is meant?',
  detail: `There is more than one: ${names.join(', ')}.`,
  hint: `Name it behind the command, as in:  deployctl plan ${shellWord(names[0] ?? '')}`,
});

const noSuchEnvironment = (ask: string, names: readonly string[], isPlain: boolean): Diagnostic => ({
  code: 'no-such-environment',
  severity: 'error',
  summary: 'There is no such environment',
  detail: isPlain
    ? `${ask} is a file; an environment is a folder of .hcl files.`
    : `There is no folder environments/${ask}, and neither a folder nor a file ${ask}.`,
  hint:
    names.length > 0
      ? `${didYouMean(ask, names) ?? ''} There are: ${names.join(', ')}.`.trim()
      : `Begin one:  deployctl init${isPlain ? '' : ` ${shellWord(ask)}`}`,
});

const planForEnvironment = (path: string): Diagnostic => ({
  code: 'plan-for-environment',
  severity: 'error',
  summary: 'This is a saved plan, not an environment',
  detail: `${path} says already what is to be done, and in which environment.`,
  hint: `Look at it:  deployctl show ${shellWord(path)}\nPerform it:  deployctl apply ${shellWord(path)}`,
});
