/**
 * Caddy's admin API on one host. A change is guarded by the tag of what was read (`If-Match`), which Caddy sends as a
 * trailer, after the body; it refuses one that does not fit with 412.
 */
import { type Address, ProviderFailure } from '../../model/index.ts';
import type { HostChannel } from '../../transport/channel.ts';
import { messageOf, mishap, refusal } from '../balancer/failure.ts';
import { askWhole, type WholeAnswer } from '../balancer/probed/exchange.ts';
import type { LoopbackPort } from '../balancer/probed/settings.ts';
import { parseRouteObject, type RouteObject } from './route-object.ts';

/** A change is answered when the new configuration runs: that may take a while where there are many sites. */
const timeoutMs = 30_000;

export interface TaggedObject {
  readonly object: RouteObject;
  readonly tag: string;
}

export interface CaddyAdmin {
  /** Throws `balancer-snippet-missing` where Caddy has no such object. */
  read(signal: AbortSignal): Promise<TaggedObject>;
  /** false: it is not what was read any more, and nothing was changed. Throws `config-refused` in Caddy's words. */
  replace(was: TaggedObject, object: RouteObject, signal: AbortSignal): Promise<boolean>;
}

export function caddyAdmin(
  channel: HostChannel,
  { address, port }: LoopbackPort,
  id: string,
  balancer: Address,
): CaddyAdmin {
  const where = `${address}:${port} on ${channel.host}`;

  async function ask(
    method: 'GET' | 'PATCH',
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<WholeAnswer> {
    const head = { Host: `${address}:${port}`, Connection: 'close', ...headers };
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
    let isSent = false;
    try {
      const request = `${method} /id/${id} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
      return await askWhole(channel, { address, port }, request, timeoutMs, signal, () => {
        isSent = true;
      });
    } catch (error) {
      const words = error instanceof ProviderFailure ? error.diagnostic.detail : messageOf(error);
      throw (isSent && method === 'PATCH' ? mishap : refusal)(
        {
          code: 'balancer-unreachable',
          summary: 'The load balancer does not answer',
          detail: `Caddy's admin API at ${where} could not be used: ${words.replace(/\.$/, '')}.`,
          hint: 'Is Caddy running, with `admin` listening there?',
          address: balancer,
        },
        error,
      );
    }
  }

  return {
    async read(signal) {
      const { status, body, trailers } = await ask('GET', {}, '', signal);
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

    async replace(was, object, signal) {
      const body = JSON.stringify(object);
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        'If-Match': was.tag,
      };
      const answer = await ask('PATCH', headers, body, signal);
      if (answer.status === 200) return true;
      if (answer.status === 412) return false;
      throw refusal({
        code: 'config-refused',
        summary: 'Caddy refuses the configuration',
        detail: `Caddy's admin API at ${where} answered ${answer.status}: ${answer.body.trim().slice(0, 500)}. It goes on with the configuration before.`,
        hint: 'Correct what it names, and plan again.',
        address: balancer,
      });
    },
  };
}
