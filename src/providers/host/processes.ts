/** `process.set`: what runs, compared with what should, and the move from one to the other. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import {
  type Context,
  canonicalJson,
  type EnvironmentValue,
  earlierSecret,
  type HostDeclared,
  type Operation,
  type Place,
  type ProcessDeclared,
  ProviderFailure,
  type RunningProcess,
  type Standing,
  sameValue,
  visible,
} from '../../model/index.ts';
import { hostFailure, isVariableName, seconds } from '../../transport/index.ts';
import type { KnownSecrets } from './known-secrets.ts';
import { ownFolder, releaseFolder } from './layout.ts';
import { releaseOfFolder, type SeenProcess, type SeenRoot } from './probe-parse.ts';
import type { ProbeRoot } from './probe-render.ts';
import {
  isSameSecret,
  makeProcessRecord,
  type ResolvedEnvironment,
  writeProcessRecord,
} from './process-record.ts';
import { readLog, setProcess, supervisorText } from './process-script.ts';
import { commonWording, logExcerpt, type Refusal, succeeded } from './refusals.ts';
import { fenceValues } from './releases.ts';
import { type HostSession, seenAfterwards, thenLook } from './session.ts';
import { renderEnvironment, renderRunScript } from './supervisor.ts';
import { renderSecretsFile, renderUnit, secretsFileIn, unitDescription, unitMark } from './systemd-unit.ts';
import { systemdEnding } from './systemd-words.ts';
import { processAtRealRoot } from './written-root.ts';

export type ProcessOperation = Extract<Operation, { op: 'process.set' }>;

/** Reads a secret when it is used. Throws a `ProviderFailure` if it cannot be read. */
export type ResolveSecret = (name: string) => Promise<string>;

/** Who a process or a hook runs as: whoever is declared, else the owner of the install, else who logs in. */
export function runAs(host: HostDeclared, place: Place | undefined, user: string | undefined): string {
  const { connection } = host;
  return user ?? place?.install.owner ?? (connection.kind === 'ssh' ? connection.user : userInfo().username);
}

/** Reads every secret of an environment. Names that a shell cannot set are refused before anything is done. */
export async function resolveEnvironment(
  host: HostDeclared,
  environment: Readonly<Record<string, EnvironmentValue>>,
  resolveSecret: ResolveSecret,
): Promise<ResolvedEnvironment> {
  const resolved: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!isVariableName(name)) {
      throw hostFailure(host, 'none', {
        code: 'environment-name',
        summary: 'Environment has an unusable name',
        detail: `${JSON.stringify(name)} cannot be the name of an environment variable: letters, digits and _ only, not starting with a digit.`,
      });
    }
    const text = typeof value === 'string' ? value : await resolveSecret(value.secret);
    if (text.includes('\0')) {
      throw hostFailure(host, 'none', {
        code: 'environment-value',
        summary: 'Environment has an unusable value',
        detail: `The value of ${name} has a NUL character, which no environment can hold.`,
      });
    }
    resolved[name] = text;
  }
  return resolved;
}

/** What runs there now, in the words of the model. null: nothing. */
export type Running =
  | { readonly at: 'known'; readonly running: RunningProcess | null }
  /** Something runs, and we cannot say with what it was started. */
  | { readonly at: 'unclear'; readonly why: string };

/**
 * Puts the record, the liveness and the service manager's own knowledge together. A secret that has another value
 * now than at the start shows as a secret of another name, so that plans see the difference and never the value.
 */
export async function runningOf(
  root: string,
  seen: SeenProcess | undefined,
  resolveSecret: ResolveSecret,
): Promise<Running> {
  if (seen === undefined || !seen.alive) return { at: 'known', running: null };
  if (seen.record === undefined) {
    return { at: 'unclear', why: `its record cannot be read: ${seen.unreadable ?? 'it is missing'}` };
  }
  const { running } = seen.record;
  const release = releaseOfFolder(root, seen.folder) ?? running.release;
  const environment: Record<string, EnvironmentValue> = { ...running.process.environment };
  for (const [name, value] of Object.entries(environment)) {
    if (typeof value === 'string') continue;
    const now = await resolveSecret(value.secret).catch((error: unknown) => {
      // Not to be read here is no difference: it is said when it is needed.
      if (error instanceof ProviderFailure) return undefined;
      throw error;
    });
    if (now !== undefined && !isSameSecret(seen.record, name, now)) {
      environment[name] = { secret: earlierSecret(value.secret) };
    }
  }
  return { at: 'known', running: { release, process: { ...running.process, environment } } };
}

/**
 * Where the world stands on a `process.set`. A restart passes through "nothing runs", so that state of a unit whose
 * last start was one of the two counts as before it: a start that failed can be undone, and a cut one goes on.
 */
export function processStanding(
  operation: ProcessOperation,
  running: Running,
  seen: SeenProcess | undefined,
): Standing {
  const { from, to } = operation;
  if (running.at === 'unclear') return { at: 'elsewhere', seen: `runs, but ${running.why}` };
  const now = running.running;
  // A start that was cut off or failed can have left a unit that the next boot would start.
  if (to === null && now === null && seen !== undefined) return { at: 'before' };
  if (sameValue(now, to)) return { at: 'after' };
  if (sameValue(now, from)) return { at: 'before' };
  if (now === null && from !== null && to !== null) {
    const last = seen?.record?.running;
    if (last === undefined || isStartOf(last, from) || isStartOf(last, to)) return { at: 'before' };
  }
  return { at: 'elsewhere', seen: describeRunning(now) };
}

/** Secrets aside: a record holds their names only. */
const isStartOf = (record: RunningProcess, wanted: RunningProcess): boolean =>
  record.release === wanted.release && canonicalJson(plainOf(record)) === canonicalJson(plainOf(wanted));
const plainOf = ({ process }: RunningProcess) => ({
  ...process,
  environment: Object.fromEntries(
    Object.entries(process.environment).filter(([, value]) => typeof value === 'string'),
  ),
});

const describeRunning = (running: RunningProcess | null): string =>
  running === null
    ? 'does not run'
    : `runs ${visible(running.release)} as ${running.process.kind} ${visible(running.process.unit)}`;

/**
 * Moves from what runs to what should. The caller has seen that the world stands before it. Gives what a look right after
 * it has seen at the root that `look` names; undefined: there was none.
 */
export async function setRunning(
  session: HostSession,
  operation: ProcessOperation,
  seen: SeenProcess | undefined,
  look: ProbeRoot,
  cx: Context,
  secrets: KnownSecrets,
): Promise<SeenRoot | undefined> {
  const { place, to } = operation;
  const host = session.declared;
  const unit = (to ?? operation.from)?.process.unit ?? '';
  const stopping = seen?.record?.running.process ?? operation.from?.process;
  const values = {
    ...fenceValues(place, cx),
    unit_name: unit,
    expected: seen?.token ?? '',
    stop_seconds: String(wholeSeconds(stopping?.stopTimeoutMs ?? 10_000)),
    to: to === null ? 'no' : 'yes',
    kind: to?.process.kind ?? '',
    ...(to === null ? {} : await startValues(session, operation, to, cx, secrets.resolve)),
  };
  const result = await session.channel.script(thenLook(setProcess, look), values, {
    timeoutMs: 60_000 + 3 * (stopping?.stopTimeoutMs ?? 0) + startMs(to?.process),
    signal: cx.signal,
    privileged: true,
  });
  const doing = to === null ? `stop ${unit}` : `start ${unit} with ${to.release}`;
  const purpose = { doing, root: place.install.root };
  succeeded(host, result, purpose, (refusal) =>
    refusal.code === 'failed'
      ? // It may have stopped or written something before.
        { ...commonWording(host, refusal, purpose), effect: 'maybe' }
      : processRefusal(host.name, unit, to?.release, stopping?.stopTimeoutMs ?? 0, {
          ...refusal,
          text: secrets.hide(refusal.text),
        }),
  );
  return seenAfterwards(result, look);
}

const wholeSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
const startMs = (process: ProcessDeclared | undefined): number =>
  process?.kind === 'script' ? 2 * process.startTimeoutMs : 0;

async function startValues(
  session: HostSession,
  { place }: ProcessOperation,
  to: RunningProcess,
  cx: Context,
  resolveSecret: ResolveSecret,
): Promise<Record<string, string>> {
  const host = session.declared;
  const { release } = to;
  const process = processAtRealRoot(place, to.process);
  const resolved = await resolveEnvironment(host, process.environment, resolveSecret);
  const folder = releaseFolder(place, release);
  const own = `${ownFolder(place.install.root)}/${process.unit}`;
  const user = runAs(host, place, process.user);
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*\$?$/.test(user)) {
    throw hostFailure(host, 'none', {
      code: 'user-unknown',
      summary: 'User does not exist on the host',
      detail: `${JSON.stringify(user)} cannot be the name of a user.`,
    });
  }
  const run = (argv: readonly string[]): string =>
    renderRunScript({ argv, folder, user, environmentFile: `${own}/environment` });
  const shared = {
    token: `${cx.fence.run}-${randomBytes(6).toString('hex')}`,
    release,
    record: writeProcessRecord(makeProcessRecord(to, resolved)),
    run_as: user,
    environment: renderEnvironment(resolved),
  };
  switch (process.kind) {
    case 'exec':
      return { ...shared, run_text: run(process.command), supervisor: supervisorText };
    case 'script':
      return {
        ...shared,
        start_text: run(process.start),
        stop_text: run(process.stop),
        status_text: run(process.status),
        start_seconds: String(wholeSeconds(process.startTimeoutMs)),
      };
    case 'systemd': {
      const secrets = Object.fromEntries(
        Object.entries(resolved).filter(([name]) => typeof process.environment[name] !== 'string'),
      );
      const hasSecrets = Object.keys(secrets).length > 0;
      return {
        ...shared,
        unit_mark: unitMark(place.install.root),
        secrets_text: hasSecrets ? renderSecretsFile(secrets) : '',
        unit_text: renderUnit({
          process,
          folder,
          user: user === 'root' ? undefined : user,
          description: unitDescription(process.unit),
          secretsFile: hasSecrets ? secretsFileIn(own) : undefined,
        }),
      };
    }
  }
}

function processRefusal(
  host: string,
  unit: string,
  release: string | undefined,
  stopTimeoutMs: number,
  { code, text }: Refusal,
) {
  const [first = '', ...log] = text.split('\n');
  const ending = /^systemd (\S*) (\d*)$/.exec(first);
  const how = ending === null ? visible(first) : systemdEnding(ending[1] ?? '', ending[2] ?? '');
  const said = logExcerpt('The last lines of its log:', log.join('\n'));
  switch (code) {
    case 'elsewhere':
      return {
        code: 'process-changed-elsewhere',
        summary: 'Process was changed by someone else',
        detail: `${unit} on ${host} was started or stopped by another run since it was looked at. It was left as it is.`,
        hint: 'Plan again.',
      };
    case 'process-start-failed':
      return {
        code,
        summary: 'Process did not start',
        detail: `${unit} with ${release ?? '?'} on ${host}: ${how}.${said}`,
        hint: 'It was stopped again. Correct the command or the release, then plan again.',
        effect: 'maybe' as const,
      };
    case 'process-stop-timeout':
      return {
        code,
        summary: 'Process did not stop',
        detail: `${unit} on ${host} still runs after ${seconds(stopTimeoutMs)}: ${how}.${said}`,
        hint: 'Look at it on the host, stop it there, then go on with the run.',
        effect: 'maybe' as const,
      };
    case 'release-missing':
      return {
        code,
        summary: 'Release is not installed',
        detail: `${host} has no release ${how}, so ${unit} was not started.`,
        hint: 'Plan again: it will be installed first.',
      };
    case 'unit-foreign':
      return {
        code,
        summary: 'Unit belongs to somebody else',
        detail: `${host} already has ${how}, and deployctl did not write it for this install root: it may be a service of another environment, or of the system. Nothing was stopped or started.`,
        hint: `Give one of them another name. If nobody needs it:  systemctl disable --now ${unit} && rm ${how}`,
      };
    case 'systemd-missing':
      return {
        code,
        summary: 'Host does not run systemd',
        detail: `${host} was not booted with systemd, so ${unit} cannot be one of its units.`,
        hint: 'Use process "exec", or process "script" with the service\'s own launcher.',
      };
    default:
      return undefined;
  }
}

/** The last lines that the slot's process printed; empty if they cannot be read. */
export async function processLog(
  session: HostSession,
  place: Place,
  unit: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    const result = await session.channel.script(
      readLog,
      { root: place.install.root, unit_name: unit },
      { timeoutMs: 10_000, signal, privileged: true, maxOutputBytes: 64 * 1024 },
    );
    return result.stdout;
  } catch (error) {
    if (error instanceof ProviderFailure) return '';
    throw error;
  }
}
