/**
 * A proxy that reads flags for each request: what is on its disk is what decides, so that run time and restart cannot
 * differ. What it does not tell (connections, health of members) is looked at on its host.
 */
import { type BalancerDeclared, ProviderFailure } from '../../../model/index.ts';
import type { HostChannel, HostChannels } from '../../../transport/channel.ts';
import type { BalancerDriver } from '../driver.ts';
import { refusal, whileChanging } from '../failure.ts';
import { type Look, lookAt } from '../probed/look.ts';
import { type ProbeAnswer, type ProbePlace, sampleProbe } from '../probed/probe.ts';
import { changesRoutesOnly } from '../probed/probed-driver.ts';
import { readProbeAddress } from '../probed/settings.ts';
import { type HostReading, isReadable } from '../reading.ts';
import type { SampleAsk } from '../sampling.ts';
import { flagFiles } from './files.ts';
import { parseListing, withRoute } from './layout.ts';
import { readFlagsDir } from './settings.ts';

/** A switch between two looks of one reading; then the look is taken again. */
const tries = 5;

export function flagsDriver(
  declared: BalancerDeclared,
  channels: HostChannels,
  program: string,
): BalancerDriver {
  const flagsDir = readFlagsDir(declared);
  const { address: balancer, name } = declared;
  const place: ProbePlace = { balancer, name, program, ...readProbeAddress(declared) };
  const firstRoute = declared.routes[0]?.route ?? name;
  const filesOf = (channel: HostChannel) => flagFiles(channel, flagsDir, balancer);

  const unread = (host: string, { revision }: ProbeAnswer, live: string | undefined) =>
    refusal({
      code: 'balancer-flags-unread',
      summary: 'The load balancer does not read its flags',
      detail:
        revision === ''
          ? `${program} on ${host} cannot read ${flagsDir}/live, and answers every request with 503.`
          : `${program} on ${host} decides by ${revision}, and ${flagsDir}/live is ${live === undefined || live === '' ? 'not there' : live}.`,
      hint: `The folder, and those above it, must be readable for the user of ${program}, and the snippet must name it. See:  deployctl snippet ENV ${balancer}`,
      address: balancer,
    });

  const lookOn = (channel: HostChannel, asks: readonly SampleAsk[]): Look =>
    lookAt({
      channel,
      place,
      pools: declared.pools,
      probes: [{ route: firstRoute }],
      asks,
      own: filesOf(channel).look,
    });

  /** What a look has found; a failure: the proxy does not decide by the very flags that were seen, which may be a switch in between. */
  async function readingOf(
    channel: HostChannel,
    look: Look,
    output: string,
    signal: AbortSignal,
  ): Promise<HostReading | ProviderFailure> {
    const { host } = channel;
    const { own, answers, sampled, pools } = await look.finish(output, signal);
    const files = filesOf(channel).seen(own);
    const [answer] = answers;
    if (answer === undefined) throw new Error('a probe without an answer');
    const seen = answer.revision.slice(answer.revision.lastIndexOf('/') + 1);
    if (seen !== (files?.revision ?? '')) return unread(host, answer, files?.revision);
    const listing = files?.listing;
    const routes = parseListing(listing ?? '');
    // A pool that the rules do not know is somebody's edit, to be shown and mended; one that they know must be chosen.
    const cell = routes.get(firstRoute);
    const isKnown = cell !== undefined && isReadable(cell) && answer.pools.has(cell.stable);
    if (isKnown && answer.pool === '') throw undecided(host);
    return {
      host,
      workers: [{ id: program, name: program, serving: true, routes, pools }],
      persisted: routes,
      persistedText: listing,
      persistedIn: `${flagsDir}/live`,
      sampled,
    };
  }

  async function read(
    host: string,
    signal: AbortSignal,
    asks: readonly SampleAsk[] = [],
  ): Promise<HostReading> {
    const channel = await channels.to(host, signal);
    for (let attempt = 1; ; attempt += 1) {
      const look = lookOn(channel, asks);
      const output = await filesOf(channel).run(look.following, signal);
      const reading = await readingOf(channel, look, output, signal);
      if (!(reading instanceof ProviderFailure)) return reading;
      if (attempt === tries) throw reading;
    }
  }

  const undecided = (host: string) =>
    refusal({
      code: 'balancer-flags-unread',
      summary: 'The load balancer does not decide by its flags',
      detail: `${program} on ${host} finds no pool for the route ${JSON.stringify(firstRoute)}, though ${flagsDir}/live names one: a folder of it is not readable for its user. Its requests are answered with 503.`,
      hint: `Make ${flagsDir}, and all that is in it, readable for the user of ${program}.`,
      address: balancer,
    });

  return {
    read,
    readConfig: async () => undefined,
    async sample(host, ask, signal) {
      return sampleProbe(await channels.to(host, signal), place, ask, signal);
    },
    async locked(host, cx, body, asks) {
      const channel = await channels.to(host, cx.signal);
      if (asks === undefined) return filesOf(channel).locked(cx, () => body(undefined));
      const look = lookOn(channel, asks);
      const looked = async (output: string | undefined) => {
        const reading = output === undefined ? undefined : await readingOf(channel, look, output, cx.signal);
        return body(reading instanceof ProviderFailure ? undefined : reading);
      };
      return filesOf(channel).locked(cx, looked, look.following);
    },
    async writeRoute(host, { route, to, reading, asks }, cx) {
      const was = reading.persistedText ?? '';
      const channel = await channels.to(host, cx.signal);
      const look = lookOn(channel, asks);
      const wanted = withRoute(was, route, to);
      const output = await filesOf(channel).replace(was, wanted, look.following, cx.signal);
      const now = await whileChanging(() => readingOf(channel, look, output, cx.signal));
      return now instanceof ProviderFailure ? undefined : now;
    },
    ...changesRoutesOnly(balancer),
  };
}
