/** What HAProxy says on its sockets, and what stands in a map file. Pure. Formats: HAProxy 2.6 management guide, 9.3. */
import { canonicalAudience, endpointText, type MemberAdmin, parseAudienceToken } from '../../model/index.ts';
import type { MemberReading, PoolReading, RouteCell } from '../balancer/reading.ts';

/**
 * Splits the answers to several commands on one line. Each answer ends with an empty line, and an empty answer (the
 * success of `set`) is that line alone. An answer that is missing, because the worker is gone, is undefined.
 */
export function splitAnswers(text: string, count: number): readonly (string | undefined)[] {
  const answers: string[] = [];
  let lines: string[] = [];
  for (const line of text === '' ? [] : text.replace(/\n$/, '').split('\n')) {
    if (line !== '') {
      lines.push(line);
      continue;
    }
    answers.push(lines.join('\n'));
    lines = [];
  }
  if (lines.length > 0) answers.push(lines.join('\n'));
  return Array.from({ length: count }, (_, index) => {
    const answer = answers[index];
    return answer?.startsWith("Can't find the target PID") ? undefined : answer;
  });
}

export interface ProcessRow {
  readonly pid: number;
  readonly serving: boolean;
}

export interface Processes {
  readonly master: number;
  /** Reloads that failed since the last one that did not. */
  readonly failedReloads: number;
  /** The newest worker is the serving one; there is none after several reloads have failed, though traffic goes on. */
  readonly workers: readonly ProcessRow[];
}

/** The master's `show proc`; undefined: it is not that. */
export function parseProcesses(text: string): Processes | undefined {
  let section = 'workers';
  let master: number | undefined;
  let failedReloads = 0;
  const workers: ProcessRow[] = [];
  for (const line of text.split('\n')) {
    const heading = /^# (workers|old workers|programs|old programs)/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    const row = /^(\d+)\s+(\S+)\s+(\d+)(?:\s+\[failed: (\d+)\])?/.exec(line);
    if (row === null) continue;
    const [, pid, type, , failed] = row;
    if (type === 'master') {
      master = Number(pid);
      failedReloads = Number(failed ?? 0);
    } else if (type === 'worker') {
      workers.push({ pid: Number(pid), serving: section === 'workers' });
    }
  }
  return master === undefined ? undefined : { master, failedReloads, workers };
}

const routeForm = /^([^\s:]+):([^\s:]+):(\d{1,5})(?::,([^\s:]+),)?$/;

/**
 * `stable:canary:basispoints`, and where there is an audience `:,rule,rule,`; the form in which one key holds a whole
 * decision, so that one write is atomic.
 */
export function parseRoute(text: string): RouteCell {
  const [, stable, canary, share, tokens] = routeForm.exec(text) ?? [];
  const canaryBasisPoints = Number(share);
  if (stable === undefined || canary === undefined || canaryBasisPoints > 10_000) return { unreadable: text };
  const rules = tokens?.split(',').map(parseAudienceToken) ?? [];
  const known = rules.filter((rule) => rule !== undefined);
  if (known.length < rules.length) return { unreadable: text };
  const audience = canonicalAudience(known);
  return { stable, canary, canaryBasisPoints, ...(audience === undefined ? {} : { audience }) };
}

/** `show map FILE`: an internal address, the key and the value on each line. Of equal keys the first counts. */
export function parseShownMap(text: string): ReadonlyMap<string, RouteCell> {
  const routes = new Map<string, RouteCell>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^0x[0-9a-f]+ (\S+) (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && !routes.has(key))
      routes.set(key, parseRoute(value.trim()));
  }
  return routes;
}

/** A line of a map file that holds an entry; undefined: a comment, or empty. */
export function parseMapLine(line: string): { readonly key: string; readonly value: string } | undefined {
  const [, key, value] = /^\s*([^\s#]\S*)\s+(.*?)\s*$/.exec(line) ?? [];
  return key === undefined || value === undefined ? undefined : { key, value };
}

/** The map file. Of equal keys the first counts, as for HAProxy. */
export function parseMapFile(text: string): ReadonlyMap<string, RouteCell> {
  const routes = new Map<string, RouteCell>();
  for (const line of text.split('\n')) {
    const entry = parseMapLine(line);
    if (entry !== undefined && !routes.has(entry.key)) routes.set(entry.key, parseRoute(entry.value));
  }
  return routes;
}

/** One line of CSV with RFC 4180 quotes: the description of a failed check may hold commas. */
export function splitCsv(line: string): readonly string[] {
  const fields: string[] = [];
  const form = /(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/gy;
  while (form.lastIndex < line.length) {
    const match = form.exec(line);
    if (match === null) break;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
  }
  return fields;
}

/** Rows of a table whose first line names the columns. */
function rowsOf(
  lines: readonly string[],
  split: (line: string) => readonly string[],
): readonly ReadonlyMap<string, string>[] {
  const [head, ...rest] = lines;
  const names = split((head ?? '').replace(/^# /, ''));
  return rest.map((line) => {
    const cells = split(line);
    return new Map(names.map((name, index) => [name, cells[index] ?? '']));
  });
}

/** Bits of `srv_admin_state` (include/haproxy/server-t.h): forced or inherited maintenance, or an unresolved name. */
const maintBits = 0x01 | 0x02 | 0x20;
/** Forced or inherited drain. */
const drainBits = 0x08 | 0x10;

export interface ServerRow {
  readonly pool: string;
  readonly member: string;
  readonly admin: MemberAdmin;
  /** `srv_op_state` is running or starting. */
  readonly running: boolean;
  /** Whether it has a check; a server without one stays up. */
  readonly checked: boolean;
  /** undefined: its address is written in the configuration, or its name is not resolved. */
  readonly endpoint: string | undefined;
  /** Whether it stays the same server when its name gets another address. */
  readonly followsAddress: boolean;
  /** 0: it gets no requests. An SRV record brings the weight with it. */
  readonly weight: number;
  /** The row as HAProxy would read it from a `server-state-file`. */
  readonly line: string;
}

/**
 * `show servers state`. The admin state must come from here: the status that `show stat` shows of a drained server
 * whose check fails is `DOWN`.
 */
export function parseServersState(text: string): readonly ServerRow[] {
  const lines = text.split('\n').filter((line) => line !== '' && !/^\d+$/.test(line));
  return rowsOf(lines, (line) => line.split(' ')).map((row, index) => {
    const bits = Number(row.get('srv_admin_state'));
    return {
      pool: row.get('be_name') ?? '',
      member: row.get('srv_name') ?? '',
      admin: bits & maintBits ? 'maint' : bits & drainBits ? 'drain' : 'ready',
      running: ['1', '2'].includes(row.get('srv_op_state') ?? ''),
      checked: (Number(row.get('srv_check_state')) & 0x02) !== 0,
      endpoint: endpointOf(row),
      followsAddress: (row.get('srv_fqdn') ?? '-') !== '-' && (row.get('srvrecord') ?? '-') === '-',
      weight: Number(row.get('srv_uweight') ?? 1),
      line: lines[index + 1] ?? '',
    };
  });
}

/** What a server that follows a record leads to now; one that an SRV record gave is called by that record's name. */
function endpointOf(row: ReadonlyMap<string, string>): string | undefined {
  const [address = '-', fqdn = '-', port = '0', service = '-'] = [
    row.get('srv_addr'),
    row.get('srv_fqdn'),
    row.get('srv_port'),
    row.get('srvrecord'),
  ];
  if (fqdn === '-' || address === '-') return undefined;
  if (service !== '-') return `${fqdn.replace(/\.$/, '').toLowerCase()}:${port}`;
  return endpointText(address, port);
}

/** `show servers conn`: the servers that keep connections after a request (`idle_lim` is their `pool-max-conn`). */
export function parseIdleKeepers(text: string): ReadonlySet<string> {
  const [head = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const at = head.replace(/^# /, '').split(' ').indexOf('idle_lim');
  return new Set(
    lines
      .map((line) => line.split(' '))
      .filter((cells) => at < 0 || cells[at] !== '0')
      .map(([name = '']) => name),
  );
}

/** `show stat`, `show servers state` and, where it was asked for, `show servers conn` of one worker, by pool and member. */
export function parsePools(
  stat: string,
  serversState: string,
  connections?: string,
): ReadonlyMap<string, PoolReading> {
  const keepers = connections === undefined ? undefined : parseIdleKeepers(connections);
  const servers = new Map(parseServersState(serversState).map((row) => [`${row.pool}/${row.member}`, row]));
  const members = new Map<string, Map<string, MemberReading>>();
  const pools = new Map<string, PoolReading>();
  const rows = rowsOf(stat.split('\n'), splitCsv);
  for (const row of rows) {
    const number = (name: string): number => Number(row.get(name) ?? 0);
    const pool = row.get('pxname') ?? '';
    const name = row.get('svname') ?? '';
    const server = servers.get(`${pool}/${name}`);
    if (name === 'BACKEND') {
      pools.set(pool, {
        sessions: number('scur') + number('qcur'),
        requests: number('stot'),
        // 5xx includes what HAProxy answers itself when no server did; srv_abrt are answers that a server cut part-way.
        failed: number('hrsp_5xx') + number('srv_abrt'),
        ...latencyOf(row),
        members: members.get(pool) ?? new Map(),
      });
    } else if (server !== undefined) {
      const ofPool = members.get(pool) ?? new Map<string, MemberReading>();
      const member = readMember(row, server, number);
      // An SRV that is switched takes other servers: those before get no request any more.
      const keepsIdle = server.followsAddress && keepers?.has(`${pool}/${name}`) === true;
      members.set(pool, ofPool.set(name, keepsIdle ? { ...member, keepsIdle } : member));
    }
  }
  return pools;
}

/** Requests that an average such as `rtime` is over (TIME_STATS_SAMPLES in include/haproxy/defaults.h). */
const averageWindow = 512;

/** A proxy that tells no time has no latency: 0 ms would be the best of all. */
function latencyOf(row: ReadonlyMap<string, string>): Pick<PoolReading, 'latency'> {
  const averageMs = row.get('rtime') ?? '';
  return averageMs === '' ? {} : { latency: { averageMs: Number(averageMs), window: averageWindow } };
}

function readMember(
  row: ReadonlyMap<string, string>,
  server: ServerRow,
  number: (name: string) => number,
): MemberReading {
  // While a check is under way, that of the one before it stands there with a star (management guide, 9.1).
  const status = (row.get('check_status') ?? '').replace(/^\* /, '');
  // A server counts as up before its first check: full health only comes with a passed one (2.6: rise + fall - 1).
  const isFull = number('check_health') >= number('check_rise') + number('check_fall') - 1;
  // The operator's own weights are his; of a server that follows a name nobody expects that it gets nothing.
  const getsNothing = server.endpoint !== undefined && server.weight === 0;
  const passed = /^L(4|6|7)OKC?$/.test(status) && isFull;
  return {
    admin: server.admin,
    up: server.running && !getsNothing,
    settled: server.running && (!server.checked || passed),
    sessions: number('scur') + number('qcur'),
    ...(server.endpoint === undefined ? {} : { endpoint: server.endpoint }),
    counted: {
      requests: number('stot'),
      // A server's own row has no answer where it gave none: refused connections, broken and cut answers.
      failed: number('hrsp_5xx') + number('econ') + number('eresp') + number('srv_abrt'),
      ...latencyOf(row),
    },
    check: [getsNothing ? 'weight 0' : '', status, row.get('check_code'), row.get('last_chk')]
      .filter((part) => part !== undefined && part !== '')
      .join(' '),
  };
}
