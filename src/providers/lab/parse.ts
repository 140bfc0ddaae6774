/** What the lab's balancer says on its control socket. Pure. */
import {
  type AudienceRule,
  canonicalAudience,
  isAudienceSource,
  type MemberAdmin,
} from '../../model/index.ts';
import type {
  ConfigReading,
  Counted,
  HostReading,
  MemberReading,
  PoolReading,
  RouteCell,
} from '../balancer/reading.ts';

export interface LabRefusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** One line of an answer; undefined: it is no such thing. */
export function parseAnswer(line: string): (Fields & { readonly ok: true }) | LabRefusal | undefined {
  let answer: Fields;
  try {
    answer = fieldsOf(JSON.parse(line));
  } catch {
    return undefined;
  }
  if (answer.ok === true) return { ...answer, ok: true };
  if (answer.ok === false) return { ok: false, code: textOf(answer.code), message: textOf(answer.message) };
  return undefined;
}

function parseRoute(value: unknown): RouteCell {
  const { stable, canary, canaryBasisPoints, audience: named } = fieldsOf(value);
  const rules = listOf(named);
  const audience = canonicalAudience(rules.filter(isAudienceRule));
  return typeof stable === 'string' &&
    typeof canary === 'string' &&
    typeof canaryBasisPoints === 'number' &&
    rules.every(isAudienceRule)
    ? { stable, canary, canaryBasisPoints, ...(audience === undefined ? {} : { audience }) }
    : { unreadable: JSON.stringify(value) };
}

function isAudienceRule(value: unknown): value is AudienceRule {
  const { by, name, value: wanted } = fieldsOf(value);
  return isAudienceSource(by) && typeof name === 'string' && typeof wanted === 'string';
}

const parseRoutes = (value: unknown): ReadonlyMap<string, RouteCell> =>
  new Map(Object.entries(fieldsOf(value)).map(([route, each]) => [route, parseRoute(each)]));

const isAdmin = (value: unknown): value is MemberAdmin =>
  value === 'ready' || value === 'drain' || value === 'maint';

function parseMember(value: unknown): readonly [string, MemberReading] {
  const { name, admin, up, settled, sessions, check } = fieldsOf(value);
  return [
    textOf(name),
    {
      admin: isAdmin(admin) ? admin : 'maint',
      up: up === true,
      settled: settled === true,
      sessions: numberOf(sessions),
      check: textOf(check),
      counted: countedIn(value),
    },
  ];
}

/** The lab counts as HAProxy does: its time is over so many answers. */
const averageWindow = 512;

function countedIn(value: unknown): Counted {
  const { requests, failed, averageMs } = fieldsOf(value);
  return {
    requests: numberOf(requests),
    failed: numberOf(failed),
    ...(typeof averageMs === 'number' ? { latency: { averageMs, window: averageWindow } } : {}),
  };
}

function parsePool(value: unknown): readonly [string, PoolReading] {
  const { name, members } = fieldsOf(value);
  const parsed = new Map(listOf(members).map(parseMember));
  return [
    textOf(name),
    {
      sessions: listOf(members).reduce<number>((sum, each) => sum + numberOf(fieldsOf(each).sessions), 0),
      ...countedIn(value),
      members: parsed,
    },
  ];
}

/** The answer to `read`. It is one process, so it is the only worker, and always the serving one. */
export function parseReading(host: string, answer: Fields): HostReading {
  const pid = String(answer.pid);
  return {
    host,
    workers: [
      {
        id: pid,
        name: `lab balancer ${pid}`,
        serving: true,
        routes: parseRoutes(answer.runtime),
        pools: new Map(listOf(answer.pools).map(parsePool)),
      },
    ],
    persisted: parseRoutes(answer.persisted),
    persistedText: typeof answer.persistedText === 'string' ? answer.persistedText : undefined,
    persistedIn: textOf(answer.stateFile),
  };
}

/** The answer to `config`. */
export const parseConfig = ({ text, loaded }: Fields): ConfigReading =>
  typeof text === 'string' ? { text, loaded: loaded === true } : undefined;

/** The answer to `sample`. */
export const parseSamples = (answer: Fields): readonly string[] => listOf(answer.pools).map(textOf);
