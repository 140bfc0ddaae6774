/** Caddy by its admin API, and a file from which a restart brings the same. */
import { type BalancerDeclared, type Context, ProviderFailure, sameValue } from '../../model/index.ts';
import type { HostChannel, HostChannels } from '../../transport/channel.ts';
import type { BalancerDriver, RouteWrite } from '../balancer/driver.ts';
import { asDiagnostic, refusal, whileChanging } from '../balancer/failure.ts';
import { hostFiles } from '../balancer/host-files.ts';
import { lookAtMembers, poolReadings } from '../balancer/probed/pools.ts';
import { type ProbePlace, probe, sampleProbe } from '../balancer/probed/probe.ts';
import { readProbeAddress } from '../balancer/probed/settings.ts';
import type { HostReading } from '../balancer/reading.ts';
import { caddyAdmin } from './admin.ts';
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
  const adminOf = (channel: HostChannel) => caddyAdmin(channel, adminAddress, id, balancer);

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

  async function read(host: string, signal: AbortSignal): Promise<HostReading> {
    const channel = await channels.to(host, signal);
    const [{ object }, answers, text, looks] = await Promise.all([
      adminOf(channel).read(signal),
      probe(channel, place, [{ route: firstRoute }], signal),
      filesOf(channel).read(configFile, signal),
      lookAtMembers(channel, pools, signal),
    ]);
    const [answer] = answers;
    if (answer === undefined) throw new Error('a probe without an answer');
    return {
      host,
      workers: [
        {
          id: 'caddy',
          name: 'Caddy',
          serving: true,
          routes: routesOf(object),
          pools: poolReadings(pools, answer.pools, looks),
        },
      ],
      persisted: routesOf(kept(host, text).object),
      persistedText: text,
      persistedIn: configFile,
    };
  }

  async function writeRoute(
    host: string,
    { route, to, reading }: RouteWrite,
    cx: Context,
  ): Promise<undefined> {
    const channel = await channels.to(host, cx.signal);
    const files = filesOf(channel);
    const admin = adminOf(channel);
    const was = reading.persistedText ?? '';
    const { span, object } = kept(host, was);
    const wanted = withObject(was, span, withRoute(object, route, to));
    const running = await admin.read(cx.signal);
    const held = routesOf(running.object).get(route) ?? null;
    if (!sameValue(held, reading.workers[0].routes?.get(route) ?? null)) throw changed(host, route);

    await files.replace(configFile, was, wanted, cx.signal);
    const putBack = () => whileChanging(() => files.replace(configFile, wanted, was, cx.signal));
    let isTaken: boolean;
    try {
      isTaken = await admin.replace(running, withRoute(running.object, route, to), cx.signal);
    } catch (error) {
      // It goes on as it was: what a restart would bring must not differ.
      if (error instanceof ProviderFailure && error.effect === 'none') await putBack();
      throw error;
    }
    if (isTaken) return undefined;
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
    read,
    readConfig: async () => undefined,
    async sample(host, ask, signal) {
      return sampleProbe(await channels.to(host, signal), place, ask, signal);
    },
    async locked(host, cx, body) {
      return filesOf(await channels.to(host, cx.signal)).locked(configFile, cx, () => body(undefined));
    },
    writeRoute,
    async writeMember() {
      throw new Error(`${balancer} cannot take a member out`);
    },
    async persistMembers() {
      // None is ever taken out.
    },
    async configure() {
      throw new Error(`${balancer} has no configuration file that deployctl writes whole`);
    },
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
