/** Operations as HAProxy's commands and as lines of its map file. Pure. */
import { type AudienceRule, audienceToken, type MemberAdmin, type RouteValue } from '../../model/index.ts';
import { parseMapLine } from './parse.ts';

/** The value of a route's key: one key for the whole decision, so that one write is atomic. */
export const renderRoute = ({ stable, canary, canaryBasisPoints, audience }: RouteValue): string =>
  `${stable}:${canary}:${canaryBasisPoints}${audience === undefined ? '' : `:${renderAudience(audience)}`}`;

/** Commas around every rule, so that the snippet finds one whole by looking for it with its commas. */
const renderAudience = (rules: readonly AudienceRule[]): string =>
  `,${rules.map((rule) => `${audienceToken(rule)},`).join('')}`;

/** Sends a command to one process, whether it serves or retires. */
export const toWorker = (pid: number | string, command: string): string => `@!${pid} ${command}`;

/**
 * The command that makes one worker hold `to`. `add map` on a key that exists would add a second one of the same name
 * (HAProxy 2.6), and `set map` on one that does not is an error: so it depends on what the worker has.
 */
export function routeCommand(
  mapFile: string,
  route: string,
  exists: boolean,
  to: RouteValue | null,
): string | undefined {
  if (to === null) return exists ? `del map ${mapFile} ${route}` : undefined;
  return `${exists ? 'set' : 'add'} map ${mapFile} ${route} ${renderRoute(to)}`;
}

export const memberCommand = (pool: string, member: string, to: MemberAdmin): string =>
  `set server ${pool}/${member} state ${to}`;

/** The map file with this one route changed; every other line stays as it is, comments and all. */
export function withRoute(text: string, route: string, to: RouteValue | null): string {
  const line = to === null ? undefined : `${route} ${renderRoute(to)}`;
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const result: string[] = [];
  let isPlaced = line === undefined;
  for (const each of lines) {
    if (parseMapLine(each)?.key !== route) result.push(each);
    else if (!isPlaced && line !== undefined) {
      result.push(line);
      isPlaced = true;
    }
  }
  if (!isPlaced && line !== undefined) result.push(line);
  return result.length === 0 ? '' : `${result.join('\n')}\n`;
}

/** What may be a name of a pool, a member or a route: HAProxy's own names, without the colon that separates ours. */
export const isPlainName = (name: string): boolean => /^[A-Za-z0-9_.-]{1,128}$/.test(name);

/** What may be a path in a command or a configuration, where blanks and some signs mean something else. */
export const isPlainPath = (path: string): boolean => /^\/[A-Za-z0-9_.,@%+=/-]{1,200}$/.test(path);

/**
 * The content of a `server-state-file` that keeps only who is out of service. A full one would also bring back the
 * addresses of today over those of a later configuration (haproxy issues 1412, 2103, 2401, 2506).
 */
export function renderServerState(shown: string, keeps: (line: string) => boolean): string {
  const [version = '1', head = '', ...rows] = shown.split('\n').filter((line) => line !== '');
  return `${[version, head, ...rows.filter(keeps)].join('\n')}\n`;
}
