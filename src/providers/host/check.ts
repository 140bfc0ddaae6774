/** Whether a host has all that a run will need: for `doctor`. Two scripts at most a host, and nothing is changed. */
import {
  type Check,
  type Clock,
  type Declared,
  type Diagnostic,
  type Finding,
  findingOf,
  type HostDeclared,
  ProviderFailure,
} from '../../model/index.ts';
import type { HostChannel, HostChannels } from '../../transport/index.ts';
import {
  type HostNeeds,
  needsOf,
  programFindings,
  rightsMissing,
  rootFindings,
  spaceFindings,
  sudoRefused,
  toolFindings,
  userFindings,
} from './check-findings.ts';
import { type CheckAnswer, parseCheck, renderCheck } from './check-script.ts';
import { clockNotes } from './observe.ts';
import { succeeded } from './refusals.ts';

const timeoutMs = 20_000;

/** Beyond `reach`, in the order in which they are mended. */
const afterReach = ['rights', 'tools', 'users', 'install root', 'disk', 'clock'] as const;

export interface CheckHostsInput {
  readonly declared: Declared;
  readonly channels: HostChannels;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** All hosts side by side. */
export async function checkHosts(input: CheckHostsInput): Promise<readonly Check[]> {
  const checks = await Promise.all(input.declared.hosts.map((host) => checkHost(input, host)));
  return checks.flat();
}

async function checkHost(input: CheckHostsInput, host: HostDeclared): Promise<readonly Check[]> {
  const { clock, channels, signal } = input;
  const needs = needsOf(input.declared, host);
  const about = (title: string, finding: Finding): Check => ({
    title,
    address: host.address,
    name: host.name,
    finding,
  });
  const becomes = host.connection.kind === 'ssh' && host.connection.become === 'sudo';
  const titles = needs.hasInstances ? afterReach : needs.hasBalancer && becomes ? (['rights'] as const) : [];
  const without = (reach: Finding, because: string): readonly Check[] => [
    about('reach', reach),
    ...titles.map((title) => about(title, { at: 'not_checked', because })),
  ];

  let channel: HostChannel;
  let login: CheckAnswer;
  let middle: number;
  try {
    channel = await channels.to(host.name, signal);
    const asked = clock.now();
    login = await ask(channel, host, needs, false, signal);
    middle = (asked + clock.now()) / 2000;
  } catch (error) {
    return without({ at: 'wrong', why: [diagnosticOf(error)] }, `${host.name} is not reached`);
  }
  const reach: Finding = { at: 'good', seen: reachText(host) };
  if (titles.length === 0) return [about('reach', reach)];

  const { rights, acting } = await rightsOf(channel, host, needs, login, signal);
  if (!needs.hasInstances) return [about('reach', reach), about('rights', rights)];
  const noRights: Finding = { at: 'not_checked', because: 'only root could tell' };
  const asActing = (seen: string, why: (answer: CheckAnswer) => readonly Diagnostic[]): Finding =>
    acting === undefined ? noRights : findingOf(seen, why(acting));
  return [
    about('reach', reach),
    about('rights', rights),
    about('tools', findingOf('all there', [...toolFindings(host, login), ...programFindings(host, login)])),
    about('users', findingOf(needs.users.join(' ') || login.user, userFindings(host, login))),
    about(
      'install root',
      asActing(needs.roots.join(' '), (answer) => rootFindings(host, answer)),
    ),
    about('disk', findingOf(spaceText(acting ?? login), spaceFindings(host, acting ?? login, needs))),
    // `date +%s` cuts off the fraction: half a second is the fair guess.
    about('clock', findingOf('within 5 s', clockNotes(host, Math.round(login.time + 0.5 - middle)))),
  ];
}

/** What the host may do for us, and the answer of whoever will act there; undefined: that one is not let in. */
async function rightsOf(
  channel: HostChannel,
  host: HostDeclared,
  needs: HostNeeds,
  login: CheckAnswer,
  signal: AbortSignal,
): Promise<{ readonly rights: Finding; readonly acting: CheckAnswer | undefined }> {
  const becomes = host.connection.kind === 'ssh' && host.connection.become === 'sudo' && !login.isRoot;
  if (!becomes) {
    const why = login.isRoot ? [] : rightsMissing(host, needs, login);
    return {
      rights: findingOf(login.isRoot ? 'root' : `${login.user}, no more is needed`, why),
      acting: login,
    };
  }
  try {
    const acting = await ask(channel, host, { ...needs, roots: rootsAtHome(needs, login) }, true, signal);
    return { rights: { at: 'good', seen: `root by sudo from ${login.user}` }, acting };
  } catch (error) {
    const why = diagnosticOf(error);
    const mended = why.code === 'sudo-refused' ? sudoRefused(host, login, why) : why;
    return { rights: { at: 'wrong', why: [mended] }, acting: undefined };
  }
}

/** `~` is the home of whoever logs in, also for root. */
const rootsAtHome = ({ roots }: HostNeeds, { home }: CheckAnswer): readonly string[] =>
  roots.map((root) => (root === '~' || root.startsWith('~/') ? `${home}${root.slice(1)}` : root));

async function ask(
  channel: HostChannel,
  host: HostDeclared,
  needs: HostNeeds,
  privileged: boolean,
  signal: AbortSignal,
): Promise<CheckAnswer> {
  const script = renderCheck(needs);
  const result = await channel.script(script, {}, { timeoutMs, signal, privileged });
  const answer = parseCheck(needs.roots, succeeded(host, result, { doing: 'look at it', root: '/' }));
  if (answer !== undefined) return answer;
  throw new ProviderFailure(
    {
      code: 'host-answer-incomplete',
      severity: 'error',
      summary: 'Answer of the host is incomplete',
      detail: `${host.name} ended its answer before it was whole.`,
      hint: 'Look at the memory and the process limits of the host, then try again.',
      address: host.address,
    },
    'none',
  );
}

function diagnosticOf(error: unknown): Diagnostic {
  if (error instanceof ProviderFailure) return error.diagnostic;
  throw error;
}

const reachText = ({ connection }: HostDeclared): string =>
  connection.kind === 'local' ? 'this machine' : 'answers, with a host key that is known';

function spaceText({ roots }: CheckAnswer): string {
  const least = Math.min(...roots.map(({ freeBytes }) => freeBytes ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(least) ? `${(least / 1e9).toFixed(1)} GB free` : 'the host does not tell';
}
