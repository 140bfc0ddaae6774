/** The lab's balancer on its host: one JSON line there, one back. */
import { text as readText } from 'node:stream/consumers';
import {
  audienceToken,
  type BalancerDeclared,
  type Context,
  type Json,
  ProviderFailure,
  type RouteValue,
} from '../../model/index.ts';
import type { HostChannels } from '../../transport/channel.ts';
import type { BalancerDriver } from '../balancer/driver.ts';
import { messageOf, mishap, refusal } from '../balancer/failure.ts';
import { isReadable, type RouteCell } from '../balancer/reading.ts';
import { type LabRefusal, parseAnswer, parseConfig, parseReading, parseSamples } from './parse.ts';
import { configFileOf, controlSocketOf } from './settings.ts';

const timeoutMs = 10_000;

export function labDriver(declared: BalancerDeclared, channels: HostChannels): BalancerDriver {
  const path = controlSocketOf(declared);
  const configFile = configFileOf(declared);
  const { address: balancer } = declared;

  async function ask(host: string, command: Readonly<Record<string, Json>>, signal: AbortSignal) {
    const isChange = command.do === 'route' || command.do === 'member' || command.do === 'configure';
    let isSent = false;
    try {
      const channel = await channels.to(host, signal);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const connection = await channel.dial({ path }, { timeoutMs, signal });
      const stop = (): void => void connection.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
      limit.addEventListener('abort', stop, { once: true });
      try {
        const answer = readText(connection);
        isSent = true;
        connection.end(`${JSON.stringify(command)}\n`);
        const parsed = parseAnswer(await answer);
        if (parsed === undefined) throw new Error('it is not the socket of a lab balancer');
        if (!parsed.ok) throw refused(host, parsed);
        return parsed;
      } finally {
        limit.removeEventListener('abort', stop);
        connection.destroy();
      }
    } catch (error) {
      if (error instanceof ProviderFailure && error.diagnostic.address === balancer) throw error;
      throw (isSent && isChange ? mishap : refusal)(
        {
          code: 'balancer-unreachable',
          summary: 'The load balancer does not answer',
          detail: `The control socket ${path} of the lab's balancer on ${host} could not be used: ${error instanceof ProviderFailure ? error.diagnostic.detail : messageOf(error)}`,
          hint: 'Is the lab up? See: deployctl lab status',
          address: balancer,
        },
        error,
      );
    }
  }

  function refused(host: string, { code, message }: LabRefusal): ProviderFailure {
    const codes: Readonly<Record<string, readonly [string, string]>> = {
      changed: ['route-changed', 'The route was changed by someone else'],
      outdated: ['run-outdated', 'A newer run was here already'],
    };
    const [name, summary] = codes[code] ?? ['balancer-refused', 'The load balancer refused a command'];
    return refusal({
      code: name,
      summary,
      detail: `The lab's balancer on ${host} said: ${message}. It was not touched.`,
      hint: 'See what is different, then plan again.',
      address: balancer,
    });
  }

  const fenceOf = ({ fence }: Context): Json => ({ lineage: fence.lineage, run: fence.run });
  const jsonOf = (cell: RouteCell | RouteValue | null | undefined): Json =>
    cell === null || cell === undefined || !isReadable(cell) ? null : jsonOfRoute(cell);

  const jsonOfRoute = ({ audience, ...rest }: RouteValue): Json => ({
    ...rest,
    ...(audience === undefined ? {} : { audience: audience.map((rule) => ({ ...rule })) }),
  });

  return {
    async read(host, signal) {
      return parseReading(host, await ask(host, { do: 'read' }, signal));
    },
    async readConfig(host, _reading, signal) {
      return configFile === undefined
        ? undefined
        : parseConfig(await ask(host, { do: 'config', file: configFile }, signal));
    },
    async sample(host, { route, count, as }, signal) {
      const command = { do: 'sample', route, count, ...(as === undefined ? {} : { as: { ...as } }) };
      const pools = parseSamples(await ask(host, command, signal));
      const byPool = new Map<string, number>();
      for (const pool of pools) byPool.set(pool, (byPool.get(pool) ?? 0) + 1);
      // It needs no configuration for an audience: it decides by any.
      const { audience = [] } = declared.routes.find((each) => each.route === route) ?? {};
      return { taken: pools.length, byPool, audience: new Set(audience.map(audienceToken)) };
    },
    // It compares and sets within one command, which no other command can come between.
    locked: (_host, _cx, body) => body(undefined),
    async writeRoute(host, { route, to, reading }, cx) {
      const was = {
        runtime: jsonOf(reading.workers[0].routes?.get(route)),
        persisted: jsonOf(reading.persisted.get(route)),
      };
      const { stickyCookie } = declared.routes.find((each) => each.route === route) ?? {};
      const sticky = stickyCookie === undefined ? {} : { stickyCookie };
      await ask(host, { do: 'route', route, was, to: jsonOf(to), ...sticky, fence: fenceOf(cx) }, cx.signal);
      return undefined;
    },
    async writeMember(host, { pool, member, to }, cx) {
      await ask(host, { do: 'member', pool, member, to, fence: fenceOf(cx) }, cx.signal);
    },
    async persistMembers() {
      // It keeps them itself.
    },
    async configure(host, from, to, cx) {
      if (configFile === undefined) throw new Error(`${balancer} has no config_file`);
      const command = { do: 'configure', file: configFile, was: from, to, fence: fenceOf(cx) };
      await ask(host, command, cx.signal);
    },
  };
}
