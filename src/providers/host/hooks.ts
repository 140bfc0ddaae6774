/** `hook.run`: a command of the user's, run once, its output told line by line. */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import {
  type Context,
  type Declared,
  type Operation,
  ProviderFailure,
  type Standing,
  sameValue,
  serviceName,
  visible,
} from '../../model/index.ts';
import { hostFailure, seconds } from '../../transport/index.ts';
import { hookRunner, lookAtHook, runHook } from './hook-script.ts';
import type { KnownSecrets } from './known-secrets.ts';
import { ownFolder } from './layout.ts';
import { resolveEnvironment, runAs } from './processes.ts';
import { logExcerpt, succeeded } from './refusals.ts';
import type { HostSession } from './session.ts';
import { renderEnvironment, renderRunScript } from './supervisor.ts';
import { commandAtRealRoot, environmentAtRealRoot } from './written-root.ts';

export type HookOperation = Extract<Operation, { op: 'hook.run' }>;

/** Longer lines are cut, later ones are counted: a hook's output is for a person to read. */
const longestLine = 4_000;
const mostLines = 5_000;
const keptLines = 20;

/** The folder of the marks: beside the service on its host, or where the provider keeps those of this machine. */
const marksFolder = (operation: HookOperation, operatorFolder: string): string =>
  operation.place === undefined
    ? `${operatorFolder}/hooks`
    : `${ownFolder(operation.place.install.root)}/hooks`;

/** Named by run, step and attempt: the same hook of a resumed step is the same mark. */
const markName = (cx: Context): string =>
  `${cx.fence.run}-${cx.step}-${cx.attempt}`.replaceAll(/[^A-Za-z0-9._-]/g, '_');

export async function performHook(
  session: HostSession,
  operation: HookOperation,
  cx: Context,
  secrets: KnownSecrets,
  operatorFolder: string,
): Promise<void> {
  const host = session.declared;
  const hooks = marksFolder(operation, operatorFolder);
  const mark = markName(cx);
  const environment = {
    ...hookEnvironment(operation, cx),
    ...(await resolveEnvironment(
      host,
      environmentAtRealRoot(operation.place, operation.environment),
      secrets.resolve,
    )),
  };
  const user = runAs(host, operation.place, operation.user);
  const nonce = `hook-${randomBytes(9).toString('hex')}`;
  const output = new HookOutput(cx, nonce, secrets);
  const result = await session.channel.script(
    runHook,
    {
      hooks,
      mark,
      nonce,
      run: String(cx.fence.run),
      folder: operation.folder,
      run_as: user,
      runner: hookRunner,
      limit_seconds: String(Math.max(1, Math.ceil(operation.timeoutMs / 1000))),
      environment: `export PATH="\${PATH:-/usr/local/bin:/usr/bin:/bin}"\n${renderEnvironment(environment)}`,
      run_text: renderRunScript({
        argv: commandAtRealRoot(operation.place, operation.argv),
        folder: operation.folder,
        user,
        environmentFile: `${hooks}/${mark}/environment`,
      }),
    },
    {
      // The host holds the hook to its time; this is for a host that does not.
      timeoutMs: operation.timeoutMs + 30_000,
      signal: cx.signal,
      privileged: true,
      maxOutputBytes: 64 * 1024,
      onOutput: (stream, chunk) => output.take(stream, chunk),
    },
  );
  output.end();
  const name = `Hook ${operation.point}`;
  succeeded(host, result, { doing: `run the hook ${operation.point}`, root: hooks }, ({ code, text }) =>
    code === 'hook-folder-missing'
      ? {
          code,
          summary: 'Folder of a hook does not exist',
          detail: `${name} on ${host.name} is to run in ${visible(text)}, which is not there.`,
          hint: 'A hook runs in the folder of a release: one that comes before the first install has none on this host.',
        }
      : undefined,
  );
  if (output.word === '0') return;
  const said = logExcerpt('The last lines that it printed:', output.lastLines.join('\n'));
  throw hostFailure(host, 'maybe', hookFailure(name, host.name, operation.timeoutMs, output.word, said));
}

/** The failure of a hook is about its block, not about the host that it ran on. */
export function aboutHook(failure: unknown, declared: Declared, { point, argv }: HookOperation): unknown {
  if (!(failure instanceof ProviderFailure) || !failure.diagnostic.code.startsWith('hook-')) return failure;
  const hooks = [
    ...declared.hooks,
    ...declared.services.flatMap(({ slots }) =>
      slots.flatMap(({ instances }) => instances.flatMap((instance) => instance.hooks)),
    ),
  ];
  const subject = hooks.find((hook) => hook.point === point && sameValue(hook.argv, argv))?.origin;
  if (subject === undefined) return failure;
  return new ProviderFailure({ ...failure.diagnostic, subject }, failure.effect, failure.cause);
}

function hookFailure(name: string, host: string, timeoutMs: number, word: string | undefined, said: string) {
  const hint = 'Correct the command, then go on with the run, or plan again: the hook is run again.';
  switch (word) {
    case 'timeout':
      return {
        code: 'hook-timeout',
        summary: 'Hook took too long',
        detail: `${name} on ${host} did not end within ${seconds(timeoutMs)} and was ended.${said}`,
        hint: 'Give it a longer timeout, or find out what it waits for; then go on with the run, or plan again.',
      };
    case 'flood':
      return {
        code: 'hook-failed',
        summary: 'Hook failed',
        detail: `${name} on ${host} printed more than 64 MiB and was ended.${said}`,
        hint,
      };
    case undefined:
    case 'lost':
      return {
        code: 'hook-lost',
        summary: 'Hook was cut off',
        detail: `${name} on ${host} was begun, but ended without saying how: the host was restarted, or somebody killed it. It was not run a second time.${said}`,
        hint: 'See on the host what it has done. Resuming the run runs it again.',
      };
    default:
      return {
        code: 'hook-failed',
        summary: 'Hook failed',
        detail: `${name} on ${host} ended with code ${visible(word)}.${said}`,
        hint,
      };
  }
}

/** Where the world stands: done once it has ended well; anything else is for {@link performHook} to say. */
export async function lookAtHookMark(
  session: HostSession,
  operation: HookOperation,
  cx: Context,
  operatorFolder: string,
): Promise<Standing> {
  const hooks = marksFolder(operation, operatorFolder);
  const result = await session.channel.script(
    lookAtHook,
    { hooks, mark: markName(cx) },
    { timeoutMs: 20_000, signal: cx.signal, privileged: true },
  );
  const word = succeeded(session.declared, result, { doing: 'look at a hook', root: hooks }).trim();
  return word === '0' ? { at: 'after' } : { at: 'before' };
}

/** What every hook is told besides what is declared for it. */
function hookEnvironment({ point, place, folder }: HookOperation, cx: Context): Record<string, string> {
  const inRelease = place !== undefined && folder.startsWith(`${place.install.root}/releases/`);
  return {
    DEPLOYCTL_HOOK: point,
    DEPLOYCTL_RUN: String(cx.fence.run),
    ...(place === undefined
      ? {}
      : {
          DEPLOYCTL_SERVICE: serviceName(place.service),
          DEPLOYCTL_HOST: place.host,
          DEPLOYCTL_ROOT: place.install.root,
        }),
    ...(inRelease ? { DEPLOYCTL_RELEASE: basename(folder) } : {}),
  };
}

/** Turns chunks into safe lines and finds the last word among them. */
class HookOutput {
  word: string | undefined;
  readonly lastLines: string[] = [];
  readonly #cx: Context;
  readonly #nonce: string;
  readonly #secrets: KnownSecrets;
  readonly #partial = { stdout: '', stderr: '' };
  #told = 0;

  constructor(cx: Context, nonce: string, secrets: KnownSecrets) {
    this.#cx = cx;
    this.#nonce = nonce;
    this.#secrets = secrets;
  }

  take(stream: 'stdout' | 'stderr', chunk: string): void {
    const lines = (this.#partial[stream] + chunk).split('\n');
    const rest = lines.pop() ?? '';
    // A line without an end must not take memory without end.
    this.#partial[stream] = rest.length > longestLine * 2 ? rest.slice(0, longestLine * 2) : rest;
    for (const line of lines) this.#line(stream, line);
  }

  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#partial[stream] !== '') this.#line(stream, this.#partial[stream]);
      this.#partial[stream] = '';
    }
    if (this.#told > mostLines) {
      this.#report('stderr', `… ${this.#told - mostLines} more lines are not shown`);
    }
  }

  #line(stream: 'stdout' | 'stderr', raw: string): void {
    if (stream === 'stderr' && raw.startsWith(`${this.#nonce} `)) {
      this.word = raw.slice(this.#nonce.length + 1).trim();
      return;
    }
    // The newline before the last word: there even if the hook ended its own last line.
    if (stream === 'stderr' && raw === '') return;
    const shown = this.#secrets.hide(raw);
    const cut = shown.length > longestLine ? `${shown.slice(0, longestLine)}…` : shown;
    const line = visible(cut.replace(/\r$/, ''), { tabs: true });
    this.lastLines.push(line);
    if (this.lastLines.length > keptLines) this.lastLines.shift();
    this.#told += 1;
    if (this.#told <= mostLines) this.#report(stream, line);
  }

  #report(stream: 'stdout' | 'stderr', line: string): void {
    this.#cx.report({ type: 'step_output', step: this.#cx.step, stream, line });
  }
}
