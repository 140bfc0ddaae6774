/** HAProxy on its hosts: the map file for restarts, the master socket for every worker that lives. */
import { type BalancerDeclared, type Context, type RouteValue, sameValue } from '../../model/index.ts';
import type { HostChannel, HostChannels } from '../../transport/channel.ts';
import type { BalancerDriver, MemberWrite, RouteWrite } from '../balancer/driver.ts';
import { mishap, refusal, whileChanging } from '../balancer/failure.ts';
import { fileTogether, hostFiles } from '../balancer/host-files.ts';
import type { HostReading } from '../balancer/reading.ts';
import type { SampleAsk } from '../balancer/sampling.ts';
import { isLoaded } from './config-text.ts';
import { type Exchange, lookTogether, tellTogether } from './exchange.ts';
import { parseServersState } from './parse.ts';
import { sampleRoute } from './probe.ts';
import { type HaproxyHost, readHost, readingOf, readRuntime, type Workers } from './read.ts';
import { configureHost } from './reload.ts';
import { memberCommand, renderServerState, routeCommand, toWorker, withRoute } from './render.ts';
import { readSettings } from './settings.ts';
import { masterSocket } from './socket.ts';

export function haproxyDriver(declared: BalancerDeclared, channels: HostChannels): BalancerDriver {
  const settings = readSettings(declared);
  const { address: balancer, name } = declared;
  const hasRoutes = declared.routes.length > 0;
  const followsNames = (declared.resolved ?? []).length > 0;

  async function on(
    host: string,
    signal: AbortSignal,
  ): Promise<{ readonly target: HaproxyHost; readonly channel: HostChannel }> {
    const channel = await channels.to(host, signal);
    const master = masterSocket(channel, settings.masterSocket, balancer);
    return {
      channel,
      target: {
        host,
        balancer,
        name,
        hasRoutes,
        followsNames,
        settings,
        master,
        files: hostFiles(channel, balancer),
      },
    };
  }

  return {
    async read(host, signal, asks = []) {
      const { target, channel } = await on(host, signal);
      if (channel.isNear) return readHost(target, signal);
      const { following, reading } = lookTogether(target, asks);
      const output = await target.files.run(following, signal);
      return (output === undefined ? undefined : reading(output)) ?? readHost(target, signal);
    },

    async readConfig(host, reading, signal) {
      if (settings.configFile === undefined) return undefined;
      const { target } = await on(host, signal);
      const text = await target.files.read(settings.configFile, signal);
      if (text === undefined) return undefined;
      return { text, loaded: isLoaded(name, text, new Set(reading.workers[0].pools.keys())) };
    },

    async sample(host, ask, signal) {
      const { target, channel } = await on(host, signal);
      return sampleRoute(target, channel, ask, signal);
    },

    async locked(host, cx, body, asks) {
      const { target, channel } = await on(host, cx.signal);
      if (asks === undefined) return target.files.locked(settings.mapFile, cx, () => body(undefined));
      if (channel.isNear) {
        const { following, textIn } = fileTogether(settings.mapFile);
        const looked = async (output: string | undefined) =>
          body(
            output === undefined
              ? undefined
              : await lookFromHere(target, channel, textIn(output), asks, cx.signal),
          );
        return target.files.locked(settings.mapFile, cx, looked, following);
      }
      const { following, reading } = lookTogether(target, asks);
      return target.files.locked(
        settings.mapFile,
        cx,
        (output) => body(output === undefined ? undefined : reading(output)),
        following,
      );
    },

    async writeRoute(host, write, cx) {
      const { target, channel } = await on(host, cx.signal);
      // Several generations decide differently from when the first is told until the last is: on the host that is soonest over.
      const isOneTold = write.reading.workers.length === 1;
      if (channel.isHere || (channel.isNear && isOneTold)) {
        const { following, textIn } = fileTogether(settings.mapFile);
        const output = await writeRoute(target, write, { following }, cx);
        if (output === undefined) return undefined;
        return whileChanging(() => lookFromHere(target, channel, textIn(output), write.asks, cx.signal));
      }
      const together = tellTogether(target, write);
      const output = await writeRoute(target, write, together, cx);
      return output === undefined ? undefined : whileChanging(async () => together?.reading(output));
    },

    async writeMember(host, write, cx) {
      await writeMember((await on(host, cx.signal)).target, write, cx);
    },

    async persistMembers(host, cx) {
      if (settings.serverStateFile === undefined) return;
      await persistMembers((await on(host, cx.signal)).target, settings.serverStateFile, cx);
    },

    async configure(host, from, to, cx) {
      const { target, channel } = await on(host, cx.signal);
      await configureHost(target, channel, from, to, cx);
      if (settings.serverStateFile !== undefined) await persistMembers(target, settings.serverStateFile, cx);
    },

    async check(host, signal) {
      const { files } = (await on(host, signal)).target;
      const { mapFile, configFile, serverStateFile } = settings;
      const written = [mapFile, configFile, serverStateFile].filter((path) => path !== undefined);
      const found = await Promise.all(written.map((path) => files.mayReplace(path, signal)));
      return found.filter((complaint) => complaint !== undefined);
    },
  };
}

/** Where the host is near: its sockets are asked from here, and only the file is left to a script. */
async function lookFromHere(
  target: HaproxyHost,
  channel: HostChannel,
  mapText: string | undefined,
  asks: readonly SampleAsk[],
  signal: AbortSignal,
): Promise<HostReading> {
  const [workers, ...samples] = await Promise.all([
    readRuntime(target, signal),
    ...asks.map((ask) => sampleRoute(target, channel, ask, signal)),
  ]);
  const sampled = asks.flatMap((ask, index) => {
    const found = samples[index];
    return found === undefined ? [] : [{ ask, samples: found }];
  });
  return { ...readingOf(target, workers, mapText), sampled };
}

/**
 * Gives the output of what follows. With `told` in it, that is one exchange: the file, every worker, and a look at all of them. What is unusual in it, and what a
 * host cannot do, is done call by call.
 *
 * The file first, in both directions: from then on a restart brings what is wanted, and a run that dies between the two
 * leaves a difference that the next plan shows and mends. The other order would leave, for a moment, a route that
 * every restart undoes. The window is milliseconds either way, on the host itself, and both pools are up in it.
 */
async function writeRoute(
  target: HaproxyHost,
  { route, to, reading }: RouteWrite,
  together: (Pick<Exchange, 'following'> & Partial<Exchange>) | undefined,
  cx: Context,
): Promise<string | undefined> {
  const { files, settings, host, balancer } = target;
  const was = reading.persistedText;
  const wanted = withRoute(was ?? '', route, to);
  const output = await files.replace(settings.mapFile, was, wanted, cx.signal, together?.following);
  const told = output === undefined ? undefined : together?.told?.(output);
  if (told !== undefined) {
    refuseAnswers(target, told);
    return output;
  }

  const isTaken = await whileChanging(async () => {
    const now = await readRuntime(target, cx.signal);
    if (!wasTouched(reading.workers, now, route, to)) {
      await tellWorkers(target, now, route, to, cx);
      return false;
    }
    await files.replace(settings.mapFile, wanted, was, cx.signal);
    return true;
  });
  // Where telling was no part of it, what it printed of the file is as good as before.
  if (!isTaken) return together?.told === undefined ? output : undefined;
  throw refusal({
    code: 'route-changed',
    summary: 'The route was changed by someone else',
    detail: `The route ${JSON.stringify(route)} changed in the running HAProxy on ${host} while this step was about to change it. It was left as it is now.`,
    hint: 'See what is different, then plan again.',
    address: balancer,
  });
}

/** A line for each worker, the retiring ones too: they still decide for clients that keep their connection. */
async function tellWorkers(
  target: HaproxyHost,
  workers: Workers,
  route: string,
  to: RouteValue | null,
  cx: Context,
): Promise<void> {
  const told = workers.flatMap(({ id, routes }) => {
    const command = routes && routeCommand(target.settings.mapFile, route, routes.has(route), to);
    return command === undefined ? [] : [{ id, command }];
  });
  const answers = await Promise.all(
    told.map(async ({ id, command }) => {
      const [answer] = await target.master.ask([toWorker(id, command)], { signal: cx.signal, changes: true });
      return [id, answer ?? ''] as const;
    }),
  );
  refuseAnswers(target, new Map(answers));
}

/** Success is an empty answer; a worker that is gone needs not know. */
function refuseAnswers({ host, balancer }: HaproxyHost, answers: ReadonlyMap<string, string>): void {
  for (const [worker, answer] of answers) {
    if (answer === '' || answer.startsWith("Can't find the target PID")) continue;
    throw mishap({
      code: 'balancer-refused',
      summary: 'HAProxy refused a command',
      detail: `Worker ${worker} of HAProxy on ${host} was told to change its map, and answered: ${answer}`,
      hint: 'Plan again: what is really there will be shown.',
      address: balancer,
    });
  }
}

/** Whether the same serving worker holds something else than a moment ago, which is not what is wanted either. */
function wasTouched([then]: Workers, [serving]: Workers, route: string, to: RouteWrite['to']): boolean {
  const held = serving.routes?.get(route) ?? null;
  return then.id === serving.id && !sameValue(held, then.routes?.get(route) ?? null) && !sameValue(held, to);
}

async function writeMember(
  target: HaproxyHost,
  { pool, member, to }: MemberWrite,
  cx: Context,
): Promise<void> {
  const { master, host, balancer } = target;
  const workers = await readRuntime(target, cx.signal);
  const command = memberCommand(pool, member, to);
  for (const { id, serving } of workers) {
    const [answer] = await master.ask([toWorker(id, command)], { signal: cx.signal, changes: true });
    // A retiring worker may be of a configuration without this member, or gone.
    if (answer === '' || !serving) continue;
    throw mishap({
      code: 'balancer-refused',
      summary: 'HAProxy refused a command',
      detail: `Worker ${id} of HAProxy on ${host} answered \`${command}\` with: ${answer ?? 'nothing, it is gone'}`,
      hint: 'Plan again: what is really there will be shown.',
      address: balancer,
    });
  }
}

async function persistMembers(target: HaproxyHost, path: string, cx: Context): Promise<void> {
  const { master, files } = target;
  const workers = await readRuntime(target, cx.signal);
  const [shown] = await master.ask([toWorker(workers[0].id, 'show servers state')], {
    signal: cx.signal,
    changes: false,
  });
  if (shown === undefined) return;
  const isOut = new Set(
    parseServersState(shown)
      .filter(({ admin }) => admin !== 'ready')
      .map(({ line }) => line),
  );
  await files.replace(
    path,
    await files.read(path, cx.signal),
    renderServerState(shown, (line) => isOut.has(line)),
    cx.signal,
  );
}
