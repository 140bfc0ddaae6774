/** Caddy by its admin API, and a file from which a restart brings the same. */
import { type BalancerDeclared, type Context, ProviderFailure } from '../../model/index.ts';
import type { HostChannel, HostChannels } from '../../transport/channel.ts';
import type { BalancerDriver, RouteWrite } from '../balancer/driver.ts';
import { asDiagnostic, refusal, whileChanging } from '../balancer/failure.ts';
import { fileLook, hostFiles } from '../balancer/host-files.ts';
import { type Look, type Looked, lookAt } from '../balancer/probed/look.ts';
import type { ProbePlace } from '../balancer/probed/probe.ts';
import { changesRoutesOnly, readsByOneLook } from '../balancer/probed/probed-driver.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import { talkFirst, talkOnce } from '../balancer/probed/talk.ts';
import type { HostReading } from '../balancer/reading.ts';
import type { SampleAsk } from '../balancer/sampling.ts';
import { caddyAdmin, type TaggedObject } from './admin.ts';
import {
  findObject,
  parseRouteObject,
  type RouteObject,
  routesOf,
  type Span,
  withObject,
  withRoute,
} from './route-object.ts';
import { readApiSettings, routesId } from './settings.ts';

const timeoutMs = 30_000;
const exits = { other: 70 } as const;

/** Whether a Caddy that runs here was started with this file. Where none is seen, nothing is said. */
const startedWithScript = `
found=
for each in /proc/[0-9]*; do
  read -r name < "$each/comm" 2>/dev/null || continue
  [ "$name" = caddy ] || continue
  found=yes
  started=$(tr '\\0' ' ' < "$each/cmdline" 2>/dev/null)
  case $started in *"$file"*) exit 0 ;; esac
  case $started in *--resume*) case $file in */autosave.json) exit 0 ;; esac ;; esac
done 2>/dev/null
[ -z "$found" ] || exit ${exits.other}
`;

export function apiDriver(declared: BalancerDeclared, channels: HostChannels): BalancerDriver {
  const { admin: adminAddress, configFile } = readApiSettings(declared);
  const { address: balancer, name, pools, routes } = declared;
  const id = routesId(declared);
  const place: ProbePlace = { balancer, name, program: 'Caddy', ...readProbeAddress(declared) };
  const firstRoute = routes[0]?.route ?? name;
  const filesOf = (channel: HostChannel) => hostFiles(channel, balancer);
  const adminOf = ({ host }: HostChannel) => caddyAdmin(host, adminAddress, id, balancer);

  /** The object in the file, where Caddy will find it at its next start. */
  function kept(
    host: string,
    text: string | undefined,
  ): { readonly span: Span; readonly object: RouteObject } {
    const span = text === undefined ? undefined : findObject(text, id);
    const object = span === undefined ? undefined : parseRouteObject(text?.slice(span.start, span.end) ?? '');
    if (span !== undefined && object !== undefined) return { span, object };
    throw refusal({
      code: 'config-without-routes',
      summary: 'The configuration file holds no routes',
      detail:
        text === undefined
          ? `${configFile} on ${host} does not exist, so a restart of Caddy would bring no routes.`
          : `${configFile} on ${host} has no map with the @id ${JSON.stringify(id)}, so a restart of Caddy would bring no routes.`,
      hint: `config_file is the JSON file that Caddy is started with; it must contain what this prints:  deployctl snippet ENV ${balancer}`,
      address: balancer,
    });
  }

  const lookOn = (channel: HostChannel, asks: readonly SampleAsk[]): Look =>
    lookAt({
      channel,
      place,
      pools,
      probes: [{ route: firstRoute }],
      asks,
      own: fileLook(configFile),
      talks: [adminOf(channel).question],
    });

  /** What the API said when this was read: a change is guarded by its tag. */
  const taggedIn = new WeakMap<HostReading, TaggedObject>();

  function readingOf(channel: HostChannel, { own, talked, sampled, pools: known }: Looked): HostReading {
    const { host } = channel;
    const tagged = adminOf(channel).seen(talked[0] ?? { reason: 'not asked', isSent: false });
    // A newline was added, so that what follows begins on a line of its own.
    const text = own.get('file')?.slice(0, -1);
    const routes = routesOf(tagged.object);
    const reading: HostReading = {
      host,
      workers: [{ id: 'caddy', name: 'Caddy', serving: true, routes, pools: known }],
      persisted: routesOf(kept(host, text).object),
      persistedText: text,
      persistedIn: configFile,
      sampled,
    };
    taggedIn.set(reading, tagged);
    return reading;
  }

  async function writeRoute(
    host: string,
    { route, to, reading, asks }: RouteWrite,
    cx: Context,
  ): Promise<HostReading | undefined> {
    const channel = await channels.to(host, cx.signal);
    const files = filesOf(channel);
    const admin = adminOf(channel);
    const running = taggedIn.get(reading);
    if (running === undefined) throw new Error('a change of what was not read');
    const was = reading.persistedText ?? '';
    const { span, object } = kept(host, was);
    const wanted = withObject(was, span, withRoute(object, route, to));
    const order = admin.order(running, withRoute(running.object, route, to));
    const look = lookOn(channel, asks);
    const together = look.asksFromHere ? undefined : talkFirst(order, look.following);

    const output = await files.replace(configFile, was, wanted, cx.signal, together?.following);
    const putBack = () => whileChanging(() => files.replace(configFile, wanted, was, cx.signal));
    let isTaken: boolean;
    try {
      const told = output === undefined ? undefined : together?.told(host, output);
      isTaken = admin.obeyed(told ?? (await talkOnce(channel, order, cx.signal)));
    } catch (error) {
      // It goes on as it was: what a restart would bring must not differ.
      if (error instanceof ProviderFailure && error.effect === 'none') await putBack();
      throw error;
    }
    if (isTaken) {
      return output === undefined
        ? undefined
        : whileChanging(async () => readingOf(channel, await look.finish(output, cx.signal)));
    }
    await putBack();
    throw changed(host, route);
  }

  const changed = (host: string, route: string) =>
    refusal({
      code: 'route-changed',
      summary: 'The route was changed by someone else',
      detail: `The configuration of Caddy on ${host}, in which the route ${JSON.stringify(route)} is, changed while this step was about to change it. It was left as it is now.`,
      hint: 'See what is different, then plan again.',
      address: balancer,
    });

  return {
    ...readsByOneLook({
      channels,
      place,
      file: configFile,
      lookOn,
      readingOf: async (channel, looked) => readingOf(channel, looked),
    }),
    ...changesRoutesOnly(balancer),
    writeRoute,
    async check(host, signal) {
      const channel = await channels.to(host, signal);
      const complaint = await filesOf(channel).mayReplace(configFile, signal);
      const started = await channel.script(startedWithScript, { file: configFile }, { timeoutMs, signal });
      return [
        ...(complaint === undefined ? [] : [complaint]),
        ...(started.code === exits.other ? [startedWithOther(host)] : []),
      ];
    },
  };

  function startedWithOther(host: string) {
    return asDiagnostic(
      {
        code: 'config-not-read',
        summary: 'Caddy was started with another file',
        detail: `No Caddy on ${host} was started with ${configFile}: at a restart it would forget what the API was told.`,
        hint: `Start it with \`caddy run --config ${configFile}\`, or set config_file to its autosave.json and start it with --resume.`,
        address: balancer,
      },
      'warning',
    );
  }
}
