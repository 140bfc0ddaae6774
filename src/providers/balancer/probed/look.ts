/**
 * One look at a proxy that is asked by a probe: what its files say, what its host has open to its members, what its rules and
 * its members answer. What only the host can read is one script; the questions to ports are at its end where the host is far, and
 * connections from here where it is near, or has no program for it.
 */
import type { PoolDeclared } from '../../../model/index.ts';
import type { HostChannel } from '../../../transport/channel.ts';
import { type Following, newMark, sectionsOf } from '../host-scripts.ts';
import type { HostReading, PoolReading } from '../reading.ts';
import type { SampleAsk } from '../sampling.ts';
import { checkTalks, readChecks } from './checks.ts';
import { poolReadings } from './pools.ts';
import {
  askAgain,
  type ProbeAnswer,
  type ProbeAsk,
  type ProbePlace,
  probeTalks,
  readProbe,
  repeated,
  samplesOf,
} from './probe.ts';
import { connectionsScript, connectionValues, readConnections } from './sockets.ts';
import { readTalks, renderTalks, type Talk, type Talked, talkFromHere, talkScript } from './talk.ts';

export interface LookAt {
  readonly channel: HostChannel;
  readonly place: ProbePlace;
  readonly pools: readonly PoolDeclared[];
  /** Requests of which the rules are asked what they hold. */
  readonly probes: readonly ProbeAsk[];
  readonly asks: readonly SampleAsk[];
  /** What else is read on the host: it prints lines `$mark TITLE`, each with a text after it. */
  readonly own: Following;
  /** What else is asked of ports. */
  readonly talks?: readonly Talk[];
}

export interface Looked {
  /** What `own` printed, by title. */
  readonly own: ReadonlyMap<string, string>;
  /** What its `talks` came to. */
  readonly talked: readonly Talked[];
  /** An answer to each of `probes`. */
  readonly answers: readonly ProbeAnswer[];
  readonly sampled: NonNullable<HostReading['sampled']>;
  readonly pools: ReadonlyMap<string, PoolReading>;
}

export interface Look {
  readonly following: Following;
  /** What the script printed, by title. */
  printed(output: string): Looked['own'];
  /** Ports are asked from here, and `following` does not bring `talk` with it. */
  readonly asksFromHere: boolean;
  /**
   * What it comes to, from the output of the script. Throws `balancer-snippet-missing` where the rules do not answer, and
   * `balancer-connections-unknown`.
   */
  finish(output: string, signal: AbortSignal): Promise<Looked>;
}

export function lookAt({ channel, place, pools, probes, asks, own, talks = [] }: LookAt): Look {
  const mark = newMark();
  const allProbes = [...probes, ...asks.flatMap(repeated)];
  const groups = [talks, probeTalks(place, allProbes), checkTalks(pools)];
  const all = groups.flat();
  // Whoever asks the rules is about to switch, or has just done so: a table of all connections of a busy proxy is no
  // small thing to read beside it, and says nothing of a switch.
  const isForSwitch = asks.length > 0;
  // Requests wait for each program that is started beside their proxy. Members that do not answer are for plans and waits
  // nothing unusual, and an SSH server writes every connection that it could not make into its log.
  const asksFromHere = channel.isHere === true || (isForSwitch && channel.isNear === true);
  const printed: Look['printed'] = (output) =>
    new Map(sectionsOf(output, mark).map(({ title, text }) => [title, text]));
  return {
    following: {
      before: `${own.before}\n${asksFromHere ? '' : talkScript}`,
      // Our own checks of members must not be counted among their connections: those are looked at first.
      text: `${own.text}\n${isForSwitch ? '' : `echo "$mark connections"${connectionsScript}`}${asksFromHere ? '' : `printf '%s' "$talks" | talk\n`}exit 0\n`,
      values: {
        ...own.values,
        ...(isForSwitch ? {} : connectionValues(pools)),
        mark,
        ...(asksFromHere ? {} : { talks: renderTalks(all) }),
      },
    },
    printed,
    asksFromHere,
    async finish(output, signal) {
      const sections = sectionsOf(output, mark);
      const own = printed(output);
      const sessions = isForSwitch ? undefined : readConnections(channel.host, pools, own.get('connections'));
      const talked = await complete(channel, all, readTalks(channel.host, all, sections), signal);
      const [ofOwn = [], ofProbes = [], ofChecks = []] = groups.map(({ length }, index) => {
        const start = groups.slice(0, index).flat().length;
        return talked.slice(start, start + length);
      });
      const whole = await askAgain(channel, place, allProbes, ofProbes, signal);
      const answers = readProbe(channel.host, place, allProbes, whole);
      const checks = readChecks(pools, ofChecks);
      return {
        own,
        talked: ofOwn,
        answers: answers.slice(0, probes.length),
        sampled: asks.map((ask, index) => {
          const start = probes.length + asks.slice(0, index).reduce((sum, { count }) => sum + count, 0);
          return { ask, samples: samplesOf(answers.slice(start, start + ask.count)) };
        }),
        pools: poolReadings(pools, answers[0]?.pools ?? new Map(), { sessions, checks }),
      };
    },
  };
}

/** What the host did not do is done from here. */
async function complete(
  channel: HostChannel,
  talks: readonly Talk[],
  talked: readonly (Talked | undefined)[],
  signal: AbortSignal,
): Promise<readonly Talked[]> {
  const left = [...talked.keys()].filter((index) => talked[index] === undefined);
  const answers = await talkFromHere(
    channel,
    left.flatMap((index) => talks[index] ?? []),
    signal,
  );
  return talked.map(
    (each, index) => each ?? answers[left.indexOf(index)] ?? { reason: 'not asked', isSent: false },
  );
}
