/** Health of one instance, as its own host sees it: a request through the SSH connection, or a command there. */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type Context,
  type Health,
  type HealthDeclared,
  type Operation,
  type Place,
  ProviderFailure,
  visible,
} from '../../model/index.ts';
import { excerpt, hostFailure, quoteArgument, seconds } from '../../transport/index.ts';
import { ownFolder, releaseFolder } from './layout.ts';
import { runAs } from './processes.ts';
import type { HostSession } from './session.ts';
import { renderRunScript } from './supervisor.ts';
import { commandAtRealRoot } from './written-root.ts';

export type VerifyOperation = Extract<Operation, { op: 'health.verify' }>;

/** What is checked, apart from how often. */
export interface Checked {
  readonly place: Place;
  readonly unit: string;
  readonly release: string;
  readonly health: HealthDeclared;
}

/**
 * One check. `unhealthy` for every answer but the wanted one; throws a `ProviderFailure` only if the host itself cannot
 * be asked.
 */
export async function checkOnce(
  session: HostSession,
  checked: Checked,
  signal: AbortSignal,
): Promise<Health> {
  const { health } = checked;
  if (health.kind === 'command') return checkCommand(session, checked, health, signal);
  let stream: Duplex;
  const begun = performance.now();
  try {
    stream = await session.channel.dial(
      { address: health.address, port: health.port },
      { timeoutMs: health.timeoutMs, signal },
    );
  } catch (error) {
    if (error instanceof ProviderFailure && error.diagnostic.code === 'dial-failed') {
      return { status: 'unhealthy', detail: reasonOf(error) };
    }
    throw error;
  }
  if (health.kind === 'tcp') {
    stream.destroy();
    return { status: 'healthy' };
  }
  const leftMs = Math.max(1, health.timeoutMs - (performance.now() - begun));
  return getStatus(stream, health, leftMs, signal);
}

const reasonOf = (failure: ProviderFailure): string =>
  failure.diagnostic.detail.replace(/^.*? could not connect to /s, '').replace(/\.$/, '');

function getStatus(
  stream: Duplex,
  health: Extract<HealthDeclared, { kind: 'http' }>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Health> {
  return new Promise((resolve) => {
    const settle = (result: Health): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      stream.on('error', () => {});
      asked.destroy();
      stream.destroy();
      resolve(result);
    };
    const unhealthy = (detail: string): void => settle({ status: 'unhealthy', detail });
    const aborted = (): void => unhealthy('given up');
    const timer = setTimeout(
      () => unhealthy(`GET ${health.path} was not answered within ${seconds(health.timeoutMs)}`),
      timeoutMs,
    );
    signal.addEventListener('abort', aborted, { once: true });
    const asked = request({
      createConnection: () => stream as never,
      host: health.address,
      port: health.port,
      path: health.path,
      method: 'GET',
      headers: { 'user-agent': 'deployctl', connection: 'close' },
    });
    asked.on('error', (error) => unhealthy(`GET ${health.path}: ${visible(error.message)}`));
    asked.on('response', (response) => {
      const { statusCode } = response;
      // Once the status is known nothing more is wanted, however much comes.
      response.on('error', () => {});
      if (statusCode === health.status) settle({ status: 'healthy' });
      else unhealthy(`GET ${health.path} was answered with ${statusCode}, not ${health.status}`);
    });
    asked.end();
  });
}

/** As the process runs: in the folder of the release, in its environment, as its user. */
async function checkCommand(
  session: HostSession,
  { place, unit, release }: Checked,
  health: Extract<HealthDeclared, { kind: 'command' }>,
  signal: AbortSignal,
): Promise<Health> {
  const { argv, user, timeoutMs } = health;
  const body = renderRunScript({
    argv: commandAtRealRoot(place, argv),
    folder: releaseFolder(place, release),
    user: runAs(session.declared, place, user),
    environmentFile: `${ownFolder(place.install.root)}/${unit}/environment`,
  });
  const limit = Math.max(1, Math.ceil(timeoutMs / 1000));
  const text = `if command -v timeout >/dev/null 2>&1; then exec timeout -k 1 ${limit} sh -c ${quoteArgument(body)} </dev/null; fi\nexec sh -c ${quoteArgument(body)} </dev/null\n`;
  try {
    const result = await session.channel.script(
      text,
      {},
      { timeoutMs: timeoutMs + 3_000, signal, privileged: true, maxOutputBytes: 16 * 1024 },
    );
    if (result.code === 0) return { status: 'healthy' };
    const said = excerpt(result.stderr === '' ? result.stdout : result.stderr, 200);
    const how =
      result.code === 124
        ? `did not end within ${seconds(timeoutMs)}`
        : `ended with ${result.code ?? result.signal}`;
    return {
      status: 'unhealthy',
      detail: `${visible(argv[0] ?? '')} ${how}${said === '' ? '' : `: ${said}`}`,
    };
  } catch (error) {
    if (error instanceof ProviderFailure && error.diagnostic.code === 'host-timeout') {
      return {
        status: 'unhealthy',
        detail: `${visible(argv[0] ?? '')} did not end within ${seconds(timeoutMs)}`,
      };
    }
    throw error;
  }
}

/** What {@link verifyHealth} needs to know about the process while it waits. */
export interface ProcessWatch {
  /** undefined: the wanted release runs. Else a clause that says what is wrong. */
  wrong(): Promise<string | undefined>;
  log(): Promise<string>;
}

const counted = (passes: number): string => (passes === 1 ? 'once' : `${passes} times in a row`);

/** How often the process itself is looked at while its check fails. */
const watchEveryMs = 2_000;

/**
 * Waits until the check has passed often enough in a row, of the wanted release and no other. Fails at the deadline (0:
 * at the first check that fails), and at once when the process is gone.
 */
export async function verifyHealth(
  session: HostSession,
  operation: VerifyOperation,
  unit: string,
  watch: ProcessWatch,
  cx: Context,
): Promise<void> {
  const { health, release, place } = operation;
  const host = session.declared;
  const fail = async (detail: string, hint: string): Promise<never> => {
    const { effect, diagnostic } = hostFailure(host, 'none', {
      code: 'health-not-passed',
      summary: 'The service did not become healthy in time',
      detail: `${unit} with ${release} on ${host.name}: ${detail}.${await watch.log()}`,
      hint,
    });
    // What a person would change is the check or the service, not the host.
    throw new ProviderFailure(
      { ...diagnostic, address: operation.instance, subject: health?.origin ?? host.origin },
      effect,
    );
  };
  const wrong = await watch.wrong();
  if (wrong !== undefined) {
    await fail(wrong, 'A check of something else would prove nothing. Plan again.');
  }
  if (health === undefined) return;

  const begun = cx.clock.now();
  let watchedAt = begun;
  let passes = 0;
  let last = 'it was not checked';
  for (;;) {
    const result = await checkOnce(session, { place, unit, release, health }, cx.signal);
    if (cx.signal.aborted) {
      throw hostFailure(host, 'none', {
        code: 'interrupted',
        summary: 'Interrupted',
        detail: `Waiting for the health of ${unit} on ${host.name} was given up before it ended.`,
      });
    }
    passes = result.status === 'healthy' ? passes + 1 : 0;
    if (result.status === 'unhealthy') last = result.detail;
    cx.report({
      type: 'step_progress',
      step: cx.step,
      done: passes,
      total: health.passes,
      unit: 'passes',
      text: passes > 0 ? `${passes} of ${health.passes} passes` : last,
    });
    if (passes >= health.passes) {
      // Passing proves nothing about a process that has been replaced or has died in the meantime.
      const gone = await watch.wrong();
      if (gone === undefined) return;
      await fail(gone, 'Plan again.');
    }
    const now = cx.clock.now();
    if (now - begun >= health.deadlineMs) {
      await fail(
        health.deadlineMs === 0
          ? `its check failed: ${last}`
          : `within ${seconds(health.deadlineMs)} its check did not pass ${counted(health.passes)}; the last answer: ${last}`,
        'Look at its log on the host; raise deadline if it only needs longer to start.',
      );
    }
    if (passes === 0 && now - watchedAt >= watchEveryMs) {
      watchedAt = now;
      const gone = await watch.wrong();
      if (gone !== undefined) await fail(`${gone}; the last answer: ${last}`, 'Look at its log on the host.');
    }
    await cx.clock.sleep(health.intervalMs, cx.signal);
  }
}
