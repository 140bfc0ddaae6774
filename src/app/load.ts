/** Reads an environment's configuration, with everything from outside that it may ask for. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { isUrl } from '../config/evaluate-blocks.ts';
import { type Loaded as LoadedConfig, type LoadInput, loadConfig, validateConfig } from '../config/load.ts';
import { FolderFiles } from '../hcl/eval/folder-files.ts';
import type { FunctionTable } from '../hcl/eval/scope.ts';
import {
  type ArtifactDeclared,
  asSha256,
  type Declared,
  type Diagnostic,
  isError,
  type Json,
  type RunNumber,
  type StateDeclared,
  shownUrl,
  systemReason,
  UNREAD_SHA256,
} from '../model/index.ts';
import type { Artifacts } from './artifacts.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import {
  type EnvironmentFolder,
  findEnvironment,
  readAutoVariables,
  readConfiguration,
  unreadVariableFiles,
} from './environment.ts';
import { AppFailure } from './failure.ts';
import { operatorName } from './operator.ts';
import { readConfigurationFile } from './read-file.ts';
import { openForReading } from './state.ts';
import { withJudge } from './validate.ts';

export interface Loaded {
  readonly environment: EnvironmentFolder;
  readonly declared: Declared;
  /** Where what is declared can be had, URLs with all that is in them. */
  readonly artifacts: OpenArtifacts;
  readonly warnings: readonly Diagnostic[];
}

/** The same ones each time. */
export type OpenArtifacts = () => Promise<Artifacts>;

/** Loaded when the first is asked for, with all that packs, checks and fetches them: 1 ms of a start. */
function artifactsOf(cx: AppContext): OpenArtifacts {
  let opened: Promise<Artifacts> | undefined;
  return () => {
    opened ??= import('./artifacts.ts').then(({ Artifacts }) => new Artifacts(cx));
    return opened;
  };
}

/** Everything that is declared, artifacts read. Throws an `AppFailure` with all errors of the configuration at once. */
export async function loadEnvironment(ask: ConfigurationAsk, cx: AppContext): Promise<Loaded> {
  const environment = locate(ask, cx);
  const artifacts = artifactsOf(cx);
  const input = inputFor(environment, ask, cx, async (location, { sha256 }) =>
    (await artifacts()).read(location, sha256),
  );
  const loaded = await complete(environment, await tell(loadConfig(input), cx), artifacts);
  return {
    ...loaded,
    warnings: [...loaded.warnings, ...unreadFiles(environment, ask, cx), ...nothingDeclared(environment)],
  };
}

/**
 * The same without its artifacts: for commands that deploy nothing. What was given for variables by the newest run is taken
 * where nobody gives it now.
 */
export async function loadDeclaration(ask: ConfigurationAsk, cx: AppContext): Promise<Loaded> {
  const environment = locate(ask, cx);
  const loaded = await withRecordedValues(loadConfig, inputFor(environment, ask, cx), cx);
  return await complete(environment, loaded, artifactsOf(cx));
}

/** What became of each artifact, by the path that names it. */
export interface ReadArtifactOutcome {
  readonly location: string;
  readonly outcome: ArtifactDeclared | Diagnostic;
}

/**
 * The same, where an artifact that cannot be read is a finding and not the end: for whoever looks, and for the way back,
 * which need not have today's artifacts on the machine that they are asked from. Values of variables as above.
 */
export async function loadWithArtifacts(
  ask: ConfigurationAsk,
  cx: AppContext,
): Promise<{ readonly loaded: Loaded; readonly artifacts: readonly ReadArtifactOutcome[] }> {
  let found: ReadArtifactOutcome[] = [];
  const environment = locate(ask, cx);
  const artifacts = artifactsOf(cx);
  const recording: ReadArtifact = async (location, wanted) => {
    const outcome = await (await artifacts()).read(location, wanted.sha256);
    found.push({ location: isUrl(location) ? shownUrl(location) : relative(cx.cwd, location), outcome });
    return 'sha256' in outcome ? outcome : withoutArtifacts(location, wanted);
  };
  const input = inputFor(environment, ask, cx, recording);
  const load = (each: LoadInput): Promise<LoadedConfig> => {
    found = [];
    return loadConfig(each);
  };
  const loaded = await withRecordedValues(load, input, cx);
  return { loaded: await complete(environment, loaded, artifacts), artifacts: found };
}

/** Where the recorded state is. */
export async function loadState(
  ask: ConfigurationAsk,
  cx: AppContext,
): Promise<{ readonly environment: EnvironmentFolder; readonly state: StateDeclared }> {
  const { environment, declared } = await loadDeclaration(ask, cx);
  return { environment, state: declared.state };
}

/**
 * The same where the configuration has errors meanwhile, if the state is at its usual place: a run must stay steerable, and
 * what was deployed readable.
 */
export async function stateOf(
  ask: ConfigurationAsk,
  cx: AppContext,
): Promise<{ readonly environment: EnvironmentFolder; readonly state: StateDeclared }> {
  const environment = locate(ask, cx);
  const loaded = await tell(loadConfig(inputFor(environment, ask, cx)), cx);
  if (loaded.state !== undefined) return { environment, state: loaded.state };
  const path = join(environment.projectFolder, '.deployctl', environment.name);
  if (!existsSync(path)) throw new AppFailure(await withJudge(loaded.diagnostics, loaded.sources));
  cx.notice?.(
    `The configuration of ${environment.name} has errors (${cx.call.pasteable('deployctl validate ENV')}); this reads its record at the usual place, ${relative(cx.cwd, path)}.`,
  );
  return { environment, state: { backend: 'local', path } };
}

export interface Validated extends LoadedConfig {
  readonly environment: EnvironmentFolder;
}

/** All that is wrong with the configuration, without values of variables and without artifacts. */
export async function validate(ask: ConfigurationAsk, cx: AppContext): Promise<Validated> {
  const environment = locate(ask, cx);
  const loaded = await tell(validateConfig(inputFor(environment, ask, cx)), cx);
  return {
    environment,
    ...loaded,
    diagnostics: [...loaded.diagnostics, ...nothingDeclared(environment)],
  };
}

/**
 * Where expressions about the configuration are evaluated. With values for all variables everything is known but what
 * artifacts say; without them those are unknown.
 */
export async function loadScope(
  ask: ConfigurationAsk,
  functions: FunctionTable,
  cx: AppContext,
): Promise<LoadedConfig> {
  const environment = locate(ask, cx);
  const loaded = await tell(loadConfig({ ...inputFor(environment, ask, cx, unreadArtifact), functions }), cx);
  if (loaded.declared !== undefined) return loaded;
  return await tell(validateConfig({ ...inputFor(environment, ask, cx), functions }), cx);
}

/** Throws an `AppFailure` where there is no such environment, or more than one that could be meant. */
export function locate(ask: ConfigurationAsk, cx: AppContext): EnvironmentFolder {
  const environment = findEnvironment(ask.environment, cx.cwd);
  if (!environment.ok) throw new AppFailure(environment.diagnostics);
  cx.call.means(environment.value.folder);
  return environment.value;
}

/**
 * The configuration; where values of variables are missing, once more with those that the newest run was given, if they are
 * on record. It is told which.
 */
async function withRecordedValues(
  load: (input: LoadInput) => Promise<LoadedConfig>,
  input: LoadInput,
  cx: AppContext,
): Promise<LoadedConfig> {
  const loaded = await tell(load(input), cx);
  const isMissing = loaded.diagnostics.some(({ code }) => code === 'missing-variable-value');
  const given = isMissing && loaded.state !== undefined ? await newestValues(loaded.state) : undefined;
  if (given === undefined) return loaded;
  const again = await load({ ...input, variables: { ...input.variables, fromRecord: given.values } });
  const taken = (again.variables ?? []).filter(({ isFromRecord }) => isFromRecord);
  if (again.declared !== undefined && taken.length > 0) {
    const values = taken.map((each) => `${each.name} = ${JSON.stringify(each.given)}`).join(', ');
    cx.notice?.(`Not given, and taken as in run ${given.run}: ${values}`);
  }
  return again;
}

/** Of the run that is going on or stopped part-way, else of the newest deployment; undefined: nothing is recorded. */
async function newestValues(
  state: StateDeclared,
): Promise<{ readonly run: RunNumber; readonly values: Readonly<Record<string, Json>> } | undefined> {
  if (!existsSync(state.path)) return undefined;
  await using store = await openForReading(state);
  const { unfinished, deployments } = await store.read();
  const run = unfinished?.run ?? deployments.at(-1)?.number;
  const declared =
    unfinished === undefined ? deployments.at(-1)?.declared : (await store.planOf(unfinished.run)).declared;
  return run === undefined || declared?.variables === undefined
    ? undefined
    : { run, values: declared.variables };
}

/** Whoever prints commands must know which values are not to be shown. */
async function tell(loading: Promise<LoadedConfig>, cx: AppContext): Promise<LoadedConfig> {
  const loaded = await loading;
  if (loaded.variables !== undefined) cx.call.takes(loaded.variables);
  return loaded;
}

async function complete(
  environment: EnvironmentFolder,
  { declared, diagnostics, sources }: LoadedConfig,
  artifacts: OpenArtifacts,
): Promise<Loaded> {
  if (declared === undefined) throw new AppFailure(await withJudge(diagnostics, sources));
  return {
    environment,
    declared,
    artifacts,
    warnings: diagnostics.filter((each) => !isError(each)),
  };
}

function unreadFiles(
  { folder, displayFolder }: EnvironmentFolder,
  ask: ConfigurationAsk,
  cx: AppContext,
): readonly Diagnostic[] {
  const named = new Set(ask.variableFiles.map((path) => resolve(cx.cwd, path)));
  const unread = unreadVariableFiles(folder).filter((name) => !named.has(join(folder, name)));
  if (unread.length === 0) return [];
  return [
    {
      code: 'variable-file-not-read',
      severity: 'warning',
      summary: 'A file of variables is not read',
      detail: `${unread.join(', ')} in ${displayFolder} is read only where --var-file names it.`,
      hint: 'Call it NAME.auto.vars.hcl to have it read always.',
    },
  ];
}

/** "No changes" of a folder that was not meant would be a trap. */
function nothingDeclared(environment: EnvironmentFolder): readonly Diagnostic[] {
  if (readConfiguration(environment).length > 0) return [];
  return [
    {
      code: 'no-configuration-files',
      severity: 'warning',
      summary: 'No configuration files',
      detail: `${environment.displayFolder} has no .hcl file, so nothing is declared there.`,
      hint: 'Perhaps another folder is meant. To begin an environment:  deployctl init NAME',
    },
  ];
}

type ReadArtifact = LoadInput['ports']['readArtifact'];

function inputFor(
  environment: EnvironmentFolder,
  ask: ConfigurationAsk,
  cx: AppContext,
  readArtifact: ReadArtifact = withoutArtifacts,
): LoadInput {
  const files = [...readConfiguration(environment), ...readAutoVariables(environment)];
  cx.trace?.info(`environment ${environment.name} in ${environment.folder}`);
  for (const { path, bytes } of files) cx.trace?.debug(`read ${path}, ${bytes.byteLength} bytes`);
  const readable = new FolderFiles(environment.folder, homedir(), systemReason);
  const prefix = 'DEPLOYCTL_VAR_';
  const fromEnvironment = Object.fromEntries(
    Object.entries(cx.environment).flatMap(([name, value]) =>
      name.startsWith(prefix) && value !== undefined ? [[name.slice(prefix.length), value]] : [],
    ),
  );
  return {
    environment: environment.name,
    folder: environment.folder,
    projectFolder: environment.projectFolder,
    files,
    variables: {
      fromEnvironment,
      fromFiles: ask.variableFiles.map((path) => ({ path, bytes: readVariableFile(path, cx) })),
      fromFlags: ask.variables,
    },
    balancerKinds: async () => (await import('../providers/registry.ts')).balancerKinds,
    operator: { homeFolder: homedir(), userName: operatorName(cx.environment) },
    ports: {
      readArtifact,
      readModule: async (folder) => {
        const read = await readModule(folder, cx);
        if ('files' in read) readable.include(folder);
        return read;
      },
      evaluation: {
        files: readable,
        now: () => cx.clock.now(),
        planTime: cx.clock.now(),
        randomBytes: (count) => randomBytes(count),
      },
    },
    toolVersion: cx.toolVersion,
  };
}

const madeUp = '0'.repeat(64);

/** Nothing is known of its content: it was not read, and no digest is declared. */
export const isStandIn = ({ sha256 }: ArtifactDeclared): boolean => sha256 === madeUp;

/** Stands for an artifact where nobody will look at its content: with a digest, so that what depends on it is known. */
const withoutArtifacts: ReadArtifact = async (location, { sha256 }) => ({
  path: location,
  kind: 'file',
  fileName: 'artifact',
  sha256: asSha256(sha256 ?? madeUp),
  bytes: 0,
});

/** The same where a person looks: a digest that is made up would be believed. */
const unreadArtifact: ReadArtifact = async (location, wanted) => ({
  ...(await withoutArtifacts(location, wanted)),
  sha256: UNREAD_SHA256,
});

function readVariableFile(path: string, cx: AppContext): Uint8Array {
  try {
    return readFileSync(resolve(cx.cwd, path));
  } catch (error) {
    throw new AppFailure([
      {
        code: 'variable-file-unreadable',
        severity: 'error',
        summary: 'A file of variables cannot be read',
        detail: `--var-file names ${path}: ${systemReason(error)}.`,
      },
    ]);
  }
}

async function readModule(folder: string, cx: AppContext) {
  try {
    const names = readdirSync(folder).filter(
      (name) => name.endsWith('.hcl') && !name.endsWith('.vars.hcl') && !name.startsWith('.'),
    );
    return {
      files: names.toSorted().map((name) => {
        const path = join(folder, name);
        const shown = relative(cx.cwd, path);
        return {
          path: shown.startsWith('../../..') || isAbsolute(shown) ? path : shown,
          bytes: readConfigurationFile(path, shown),
        };
      }),
    };
  } catch (error) {
    if (error instanceof AppFailure) throw error;
    return {
      code: 'module-unreadable',
      severity: 'error' as const,
      summary: 'Unreadable module directory',
      detail: `The directory ${folder} could not be read: ${systemReason(error, { ENOENT: 'it is not there' })}.`,
      hint: 'The source of a module is a folder of .hcl files, relative to the file that calls it: "../modules/web".',
    };
  }
}
