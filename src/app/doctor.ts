/** Everything that a run will need, looked at side by side and changed nowhere. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { bytesText } from '../model/bytes-text.ts';
import {
  type ArtifactDeclared,
  type Check,
  type Declared,
  type Diagnostic,
  type Finding,
  findingOf,
  isError,
  ProviderFailure,
  type RunNumber,
  StateFailure,
  systemReason,
} from '../model/index.ts';
import { isHeld, readHolder } from '../state/local/lock.ts';
import { checkSigners } from './approvals.ts';
import type { AppContext, ConfigurationAsk } from './context.ts';
import { loadWithArtifacts } from './load.ts';
import { type Reach, reach } from './reach.ts';
import { openForReading } from './state.ts';

export interface Examination {
  readonly environment: string;
  readonly checks: readonly Check[];
  readonly elapsedMs: number;
}

/** Whether a run would fail on something that was found. */
export const isHealthy = ({ checks }: Examination): boolean =>
  checks.every(({ finding }) => finding.at !== 'wrong' || !finding.why.some(isError));

/** Throws an `AppFailure` where the configuration has errors: without it nobody knows what to look at. */
export async function examine(ask: ConfigurationAsk, cx: AppContext): Promise<Examination> {
  const begun = cx.clock.now();
  const { loaded, artifacts } = await loadWithArtifacts(ask, cx);
  const { declared, environment, warnings } = loaded;
  const { lineage, state } = await checkState(declared, cx);
  await using world = await reach(declared, lineage, cx);
  const [secrets, outside] = await Promise.all([
    checkSecrets(declared, world),
    world.check(new AbortController().signal),
  ]);
  return {
    environment: environment.name,
    checks: [
      onThisMachine('configuration', environment.displayFolder, findingOf(contents(declared), warnings)),
      state,
      ...artifacts.map(({ location, outcome }) =>
        onThisMachine('artifacts', location, 'sha256' in outcome ? artifactFinding(outcome) : wrong(outcome)),
      ),
      ...secrets,
      ...signersOf(declared, cx),
      ...outside,
    ],
    elapsedMs: cx.clock.now() - begun,
  };
}

/** Where the policy asks for approvals: who may give them. */
function signersOf({ policy }: Declared, cx: AppContext): readonly Check[] {
  const { allowedSigners } = policy;
  if (allowedSigners === undefined) return [];
  const found = checkSigners(policy);
  const finding: Finding =
    found === undefined ? { at: 'good', seen: 'is there, for those who sign plans' } : wrong(found);
  return [onThisMachine('approvals', relative(cx.cwd, allowedSigners), finding)];
}

const onThisMachine = (title: string, name: string, finding: Finding): Check => ({
  title,
  address: undefined,
  name,
  finding,
});

const wrong = (...why: readonly Diagnostic[]): Finding => ({ at: 'wrong', why });

function contents({ hosts, balancers, zones, services }: Declared): string {
  const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
  return [
    counted(hosts.length, 'host'),
    ...(balancers.length === 0 ? [] : [counted(balancers.length, 'load balancer')]),
    ...(zones.length === 0 ? [] : [counted(zones.length, 'DNS zone')]),
    counted(services.length, 'service'),
  ].join(', ');
}

const artifactFinding = ({ sha256, bytes }: ArtifactDeclared): Finding => ({
  at: 'good',
  seen: `${bytes === null ? 'a URL, fetched when a host needs it' : bytesText(bytes)}, SHA-256 ${sha256.slice(0, 16)}...`,
});

/** Readable, unbroken, writable, and free for the next run. */
async function checkState(
  { state: { path } }: Declared,
  cx: AppContext,
): Promise<{ readonly lineage: string; readonly state: Check }> {
  const name = relative(cx.cwd, path) || path;
  const about = (finding: Finding): Check => onThisMachine('state', name, finding);
  try {
    await using store = await openForReading({ backend: 'local', path });
    await store.verify();
    const { lineage, deployments, unfinished } = await store.read();
    const why = [...notWritable(path), ...busyWith(path, unfinished?.run)];
    const last = deployments.at(-1);
    const seen =
      last === undefined ? 'nothing is recorded yet' : `whole and not locked, deployment ${last.number}`;
    return { lineage, state: about(findingOf(seen, why)) };
  } catch (error) {
    if (!(error instanceof StateFailure)) throw error;
    return { lineage: '', state: about(wrong(error.diagnostic)) };
  }
}

function notWritable(path: string): readonly Diagnostic[] {
  let near = path;
  while (!existsSync(near) && dirname(near) !== near) near = dirname(near);
  try {
    accessSync(near, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    return [
      {
        code: 'state-not-writable',
        severity: 'error',
        summary: 'The recorded state cannot be written',
        detail: `${near} does not let this user write: ${systemReason(error)}. Every run begins by writing down what it intends.`,
        hint: 'Run deployctl as the user that the folder belongs to, or give the folder to this one.',
      },
    ];
  }
}

/** Whatever keeps the next run waiting. */
function busyWith(path: string, run: RunNumber | undefined): readonly Diagnostic[] {
  if (isHeld(path)) return [held(path, run)];
  return run === undefined ? [] : [leftUnfinished(run)];
}

function held(path: string, run: RunNumber | undefined): Diagnostic {
  const holder = readHolder(path);
  const who =
    holder === undefined
      ? 'A process that has not said who it is holds it.'
      : `${holder.who} holds it with "${holder.command}" (process ${holder.pid} on ${holder.machine}).`;
  return {
    code: 'state-locked',
    severity: 'warning',
    summary: 'The state is locked',
    detail: run === undefined ? who : `${who} Run ${run} goes on.`,
    hint: run === undefined ? 'Wait for it.' : 'Wait for it. How it goes:  deployctl status ENV --watch',
  };
}

const leftUnfinished = (run: RunNumber): Diagnostic => ({
  code: 'run-unfinished',
  severity: 'warning',
  summary: 'An earlier run is not finished',
  detail: `Run ${run} stopped part-way. Nothing new is planned on top of it.`,
  hint: 'Go on with it:  deployctl apply ENV --resume\nOr undo what it did:  deployctl abort ENV',
});

/** Each is read once, and nothing of it is kept or shown. */
const checkSecrets = (declared: Declared, world: Reach): Promise<readonly Check[]> =>
  Promise.all(
    Object.keys(declared.secrets).map(async (name) => {
      try {
        await world.resolveSecret(name);
        return onThisMachine('secrets', name, { at: 'good', seen: 'can be read' });
      } catch (error) {
        if (!(error instanceof ProviderFailure)) throw error;
        return onThisMachine('secrets', name, wrong(error.diagnostic));
      }
    }),
  );
