/** The routes of the lab's balancer and the file that keeps them: written whole and flushed before they are in effect. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { readKeptFile } from '../kept-file.ts';
import type { Admin } from './pools.ts';

export interface Route {
  readonly stable: string;
  readonly canary: string;
  readonly canaryBasisPoints: number;
  /** Requests that meet one of these always get the canary. */
  readonly audience?: readonly Rule[];
  /** The cookie by whose value a user stays on one side. It is how the route is declared, not a part of the decision. */
  readonly stickyCookie?: string;
}

/** A header's name is in lower case. */
export interface Rule {
  readonly by: 'header' | 'cookie' | 'query';
  readonly name: string;
  readonly value: string;
}

const cookiesOf = (headers: IncomingHttpHeaders, name: string): readonly string[] =>
  (headers.cookie ?? '').split(';').flatMap((pair) => {
    const [each, ...value] = pair.trim().split('=');
    return each === name ? [value.join('=')] : [];
  });

/** A number below 10,000: drawn anew, or from the user's cookie, so that a growing share takes each user over once. */
export function bucketOf({ stickyCookie }: Route, headers: IncomingHttpHeaders): number {
  const [cookie] = stickyCookie === undefined ? [] : cookiesOf(headers, stickyCookie);
  return cookie === undefined
    ? Math.random() * 10_000
    : createHash('sha256').update(cookie).digest().readUInt32BE(0) % 10_000;
}

/** What of a request decides. */
export interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly url?: string | undefined;
}

export function meets({ by, name, value }: Rule, { headers, url = '' }: Asked): boolean {
  switch (by) {
    case 'header':
      return [headers[name] ?? []].flat().includes(value);
    case 'cookie':
      return cookiesOf(headers, name).includes(value);
    case 'query':
      return url.split('?').slice(1).join('?').split('&').includes(`${name}=${value}`);
  }
}

/** What a restart brings back. */
export interface Kept {
  readonly routes: Readonly<Record<string, Route>>;
  /** Pool, member: those that are out of service. */
  readonly members: Readonly<Record<string, Readonly<Record<string, Admin>>>>;
  /** Lineage of a state, and the newest of its runs that was here. */
  readonly fences: Readonly<Record<string, number>>;
  /** Where the pools are kept that deployctl wrote; it is told with them. */
  readonly configFile?: string;
}

const nothing: Kept = { routes: {}, members: {}, fences: {} };

/** A file that is not there is an empty one. */
export const readKept = (path: string): Kept => ({
  ...nothing,
  ...((readKeptFile(path) ?? {}) as Partial<Kept>),
});
