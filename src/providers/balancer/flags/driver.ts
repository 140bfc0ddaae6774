/**
 * A proxy that reads flags for each request: what is on its disk is what decides, so that run time and restart cannot
 * differ. What it does not tell (connections, health of members) is looked at on its host.
 */
import type { BalancerDeclared } from '../../../model/index.ts';
import type { HostChannel, HostChannels } from '../../../transport/channel.ts';
import type { BalancerDriver } from '../driver.ts';
import { refusal } from '../failure.ts';
import { lookAtMembers, poolReadings } from '../probed/pools.ts';
import { type ProbeAnswer, type ProbePlace, probe, sampleProbe } from '../probed/probe.ts';
import { readProbeAddress } from '../probed/settings.ts';
import { type HostReading, isReadable } from '../reading.ts';
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

  /** The flags, and that the proxy decides by these very ones. */
  async function readDecision(channel: HostChannel, signal: AbortSignal) {
    for (let attempt = 1; ; attempt += 1) {
      const [answers, files] = await Promise.all([
        probe(channel, place, [{ route: firstRoute }], signal),
        filesOf(channel).read(signal),
      ]);
      const [answer] = answers;
      if (answer === undefined) throw new Error('a probe without an answer');
      const seen = answer.revision.slice(answer.revision.lastIndexOf('/') + 1);
      if (seen === (files?.revision ?? '')) return { answer, listing: files?.listing };
      if (attempt === tries) throw unread(channel.host, answer, files?.revision);
    }
  }

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

  async function read(host: string, signal: AbortSignal): Promise<HostReading> {
    const channel = await channels.to(host, signal);
    const [{ answer, listing }, looks] = await Promise.all([
      readDecision(channel, signal),
      lookAtMembers(channel, declared.pools, signal),
    ]);
    const pools = poolReadings(declared.pools, answer.pools, looks);
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
    };
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
    async locked(host, cx, body) {
      return filesOf(await channels.to(host, cx.signal)).locked(cx, () => body(undefined));
    },
    async writeRoute(host, { route, to, reading }, cx) {
      const was = reading.persistedText ?? '';
      const channel = await channels.to(host, cx.signal);
      await filesOf(channel).replace(was, withRoute(was, route, to), cx.signal);
      return undefined;
    },
    async writeMember() {
      throw new Error(`${balancer} cannot take a member out`);
    },
    async persistMembers() {
      // None is ever taken out.
    },
    async configure() {
      throw new Error(`${balancer} has no configuration file`);
    },
  };
}
