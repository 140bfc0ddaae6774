/**
 * The object in Caddy's configuration that holds the routes: a `map` handler from a route to its whole decision. It has
 * an `@id`, by which the admin API finds it, and so does deployctl in a file. Pure.
 */
import type { RouteValue } from '../../model/index.ts';
import { parseCell, renderCell } from '../balancer/probed/cell.ts';
import type { RouteCell } from '../balancer/reading.ts';

export interface RouteObject {
  readonly '@id'?: string;
  readonly handler: 'map';
  readonly mappings: readonly { readonly input: string; readonly outputs: readonly string[] }[];
  /** Its source and destinations, which are the snippet's. */
  readonly [other: string]: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** undefined: it is none, or somebody made another handler of it. */
export function parseRouteObject(text: string): RouteObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(value) || value['handler'] !== 'map') return undefined;
  // Caddy leaves an empty list out.
  const mappings = value['mappings'] ?? [];
  if (!Array.isArray(mappings)) return undefined;
  const isPlain = mappings.every(
    (each: unknown) => isFields(each) && typeof each['input'] === 'string' && Array.isArray(each['outputs']),
  );
  return isPlain ? ({ ...value, mappings } as unknown as RouteObject) : undefined;
}

/** Of equal routes the first counts, as for Caddy. */
export function routesOf({ mappings }: RouteObject): ReadonlyMap<string, RouteCell> {
  const routes = new Map<string, RouteCell>();
  for (const { input, outputs } of mappings) {
    const [cell, ...more] = outputs;
    if (routes.has(input)) continue;
    routes.set(
      input,
      typeof cell === 'string' && more.length === 0
        ? parseCell(cell)
        : { unreadable: JSON.stringify(outputs) },
    );
  }
  return routes;
}

/** The object with this one route changed; all else of it stays. */
export function withRoute(object: RouteObject, route: string, to: RouteValue | null): RouteObject {
  const others = object.mappings.filter(({ input }) => input !== route);
  const own = to === null ? [] : [{ input: route, outputs: [renderCell(to)] }];
  return { ...object, mappings: [...others, ...own] };
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Where in a JSON text the object with this `@id` stands; undefined: nowhere. The text around it is an operator's, so
 * it is found and not written anew.
 */
export function findObject(text: string, id: string): Span | undefined {
  const token = /"(?:[^"\\]|\\.)*"|[{}]/g;
  const open: { readonly start: number; isIt: boolean }[] = [];
  let isKey = false;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [word] = match;
    const innermost = open.at(-1);
    if (word === '{') {
      open.push({ start: match.index, isIt: false });
    } else if (word === '}') {
      const closed = open.pop();
      if (closed?.isIt === true) return { start: closed.start, end: match.index + 1 };
    } else if (isKey && innermost !== undefined && word === JSON.stringify(id)) {
      innermost.isIt = true;
    }
    isKey = word === '"@id"' && /^\s*:/.test(text.slice(token.lastIndex, token.lastIndex + 20));
  }
  return undefined;
}

/** The text with that object in its place. */
export const withObject = (text: string, { start, end }: Span, object: RouteObject): string =>
  text.slice(0, start) + JSON.stringify(object) + text.slice(end);
