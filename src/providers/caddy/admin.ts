/**
 * Caddy's admin API on one host. A change is guarded by the tag of what was read (`If-Match`), which Caddy sends as a
 * trailer, after the body; it refuses one that does not fit with 412.
 */
import type { Address } from '../../model/index.ts';
import { mishap, refusal } from '../balancer/failure.ts';
import { parseWhole, type WholeAnswer } from '../balancer/probed/exchange.ts';
import type { LoopbackPort } from '../balancer/probed/settings.ts';
import type { Talk, Talked } from '../balancer/probed/talk.ts';
import { parseRouteObject, type RouteObject } from './route-object.ts';

/** A change is answered when the new configuration runs: that may take a while where there are many sites. */
const timeoutMs = 20_000;

export interface TaggedObject {
  readonly object: RouteObject;
  readonly tag: string;
}

export interface CaddyAdmin {
  /** What asks for the object; `seen` reads the answer. */
  readonly question: Talk;
  /** Throws `balancer-snippet-missing` where Caddy has no such object. */
  seen(answer: Talked): TaggedObject;
  /** What has it replaced, if it is still what was read; `obeyed` reads the answer. */
  order(was: TaggedObject, object: RouteObject): Talk;
  /** false: it was not what was read any more, and nothing was changed. Throws `config-refused` in Caddy's words. */
  obeyed(answer: Talked): boolean;
}

export function caddyAdmin(
  host: string,
  { address, port }: LoopbackPort,
  id: string,
  balancer: Address,
): CaddyAdmin {
  const where = `${address}:${port} on ${host}`;

  const talk = (method: 'GET' | 'PATCH', headers: Readonly<Record<string, string>>, body: string): Talk => {
    const head = { Host: `${address}:${port}`, Connection: 'close', ...headers };
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
    return {
      address,
      port,
      timeoutMs,
      text: `${method} /id/${id} HTTP/1.1\r\n${lines.join('')}\r\n${body}`,
    };
  };

  const wholeOf = (answer: Talked, isChange: boolean): WholeAnswer => {
    const whole = 'text' in answer ? parseWhole(Buffer.from(answer.text)) : undefined;
    if (whole !== undefined) return whole;
    const words = 'reason' in answer ? answer.reason : 'what it answers is no whole HTTP';
    const isUnsent = 'reason' in answer && answer.isSent !== true;
    throw (isChange && !isUnsent ? mishap : refusal)({
      code: 'balancer-unreachable',
      summary: 'The load balancer does not answer',
      detail: `Caddy's admin API at ${where} could not be used: ${words.replace(/\.$/, '')}.`,
      hint: 'Is Caddy running, with `admin` listening there?',
      address: balancer,
    });
  };

  return {
    question: talk('GET', {}, ''),

    seen(answer) {
      const { status, body, trailers } = wholeOf(answer, false);
      const object = status === 200 ? parseRouteObject(body) : undefined;
      const tag = /^etag: ?(.*?)\r?$/im.exec(trailers)?.[1];
      if (object !== undefined && tag !== undefined) return { object, tag };
      throw refusal({
        code: 'balancer-snippet-missing',
        summary: "The load balancer's rules do not answer",
        detail: `Caddy's admin API at ${where} has no map with the @id ${JSON.stringify(id)}${status === 200 ? ' in the form that deployctl writes' : ` (it answered ${status})`}. Without it nothing can be seen, and no switch made.`,
        hint: `Add what this prints to its configuration, and load it:  deployctl snippet ENV ${balancer}`,
        address: balancer,
      });
    },

    order(was, object) {
      const body = JSON.stringify(object);
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        'If-Match': was.tag,
      };
      return talk('PATCH', headers, body);
    },

    obeyed(answer) {
      const { status, body } = wholeOf(answer, true);
      if (status === 200) return true;
      if (status === 412) return false;
      throw refusal({
        code: 'config-refused',
        summary: 'Caddy refuses the configuration',
        detail: `Caddy's admin API at ${where} answered ${status}: ${body.trim().slice(0, 500)}. It goes on with the configuration before.`,
        hint: 'Correct what it names, and plan again.',
        address: balancer,
      });
    },
  };
}
