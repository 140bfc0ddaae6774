/**
 * Blue-green switches of each real load balancer under load, in rounds: by deployctl as it is advised and by the fallback
 * where there is one, over SSH as it is used, and in the same round by hand (rewrite and reload). Counts what each cost
 * clients. Exits 1 if the advised way failed a request, answered one from the wrong side or cut a connection.
 *
 *   node bench/switch.ts [--rounds 1] [--switches 50] [--rate 300] [--advised-only] [haproxy | nginx | caddy | apache ...]
 *
 * Latency is counted from the moment at which a request was due (open loop) to the end of its answer. Near a switch are
 * requests that were under way at any time from its beginning to 100 ms after it was acknowledged; a switch begins
 * before its first script, so that all that deployctl does on the host for it is near. Between two switches everything a
 * switch does is done without one (looks, the lock, the rules asked), and the latency near that is told beside: what is
 * the same there is the price of another program on the proxy's processor, and no property of the switch. Away is all the
 * rest. The last columns are the p99 of all three from when requests were really sent: where a busy machine holds up the
 * load client itself, many requests are due at once, and near and away say where that happened. The ratio is of these.
 *
 * A round of 50 switches takes a minute for each way.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBackend } from '../test/rig/backend.ts';
import { channelsTo, localChannels } from '../test/rig/balancers.ts';
import { findSshd, startSshd } from '../test/rig/sshd.ts';
import { now, type TrafficFigures } from '../test/rig/traffic.ts';
import { startTrafficProcess } from '../test/rig/traffic-process.ts';
import { takePlaces } from './switch/places.ts';
import type { Side, Stage, Standing, Way } from './switch/way.ts';
import { waysOf } from './switch/ways.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '1' },
    switches: { type: 'string', default: '50' },
    rate: { type: 'string', default: '300' },
    'advised-only': { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const switches = Number(values.switches);
const load = { rate: Number(values.rate), keepAlive: 32, freshShare: 0.2, slow: 4, upgraded: 5 };
/** After each switch, and after each look: longer than what is near them, and long enough to be away from both. */
const pauseMs = 300;

interface Result {
  readonly figures: TrafficFigures;
  readonly switchMs: readonly number[];
}

using places = takePlaces();
console.log(
  `${rounds} rounds of ${switches} switches at ${load.rate} requests a second: kept, fresh, 1.5 s long and upgraded connections together; ${places.words}; load ${loadavg()[0]?.toFixed(1)}. All times in ms.\n`,
);
console.log(
  [
    'way'.padEnd(38),
    ...['requests', 'withheld', 'failed', 'wrong', 'stale', 'cut'],
    ...[
      ' acked  p50/max',
      '  seen  p50/max',
      '   near p50/p99/max',
      '  looks p50/p99/max',
      '   away p50/p99/max',
    ],
    ...['p99 since sent near/looks/away', 'near/away'],
  ].join(' '),
);

let isClean = true;
for (const name of positionals.length > 0 ? positionals : ['haproxy', 'nginx', 'caddy', 'apache']) {
  const ways = waysOf(name);
  if (ways === undefined) console.log(`${name.padEnd(38)} is not installed here`);
  else await measureAll(values['advised-only'] ? ways.slice(0, 1) : ways);
}
process.exitCode = isClean ? 0 : 1;

async function measureAll(ways: readonly Way[]): Promise<void> {
  const byHost = findSshd();
  await using hosts =
    byHost === undefined ? undefined : await startSshd({ names: ['lb-1'], by: places.scripts });
  await using channels =
    hosts === undefined ? localChannels() : channelsTo(hosts.hosts.map(({ declared }) => declared));
  await using blue = await startBackend('blue', undefined, 0, places.others);
  await using green = await startBackend('green', undefined, 0, places.others);
  const stage: Stage = { blue, green, channels, by: places.proxy };
  const results = new Map<Way, Result[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const way of ways) {
      const result = await way.stand(stage, measure);
      results.get(way)?.push(result);
      print(way.name, result);
      const { failed, wrong, stale, cut, reasons } = result.figures;
      if (way !== ways[0]) continue;
      for (const reason of reasons) console.log(`  ${reason}`);
      isClean &&= failed + wrong + stale + cut === 0;
    }
  }
  if (rounds > 1) for (const [way, each] of results) summarize(way.name, each);
}

/** Sends load all the time, and lets it be moved there and back. */
async function measure({ port, switchTo, lookAt }: Standing): Promise<Result> {
  const traffic = startTrafficProcess({ ...load, port }, 'blue', places.others);
  const switchMs: number[] = [];
  await sleep(1500);
  let side: Side = 'blue';
  for (let index = 0; index < switches; index += 1) {
    const next: Side = side === 'blue' ? 'green' : 'blue';
    const beganAt = now();
    traffic.expectBoth(next, beganAt);
    await switchTo(side, next);
    const endedAt = now();
    traffic.acknowledge(next, endedAt);
    switchMs.push(endedAt - beganAt);
    side = next;
    await sleep(pauseMs);
    if (lookAt === undefined) continue;
    const lookedAt = now();
    await lookAt(side);
    traffic.note(lookedAt, now());
    await sleep(pauseMs);
  }
  const figures = await traffic.stop();
  return { figures, switchMs: switchMs.toSorted((a, b) => a - b) };
}

function print(name: string, { figures, switchMs }: Result): void {
  const { requests, withheld, failed, wrong, stale, cut, seenMs, latency } = figures;
  const { near, noted, away } = latency;
  const of = ({ count, p50, p99, max }: typeof near): string =>
    (count === 0 ? '-' : `${ms(p50)}/${ms(p99)}/${ms(max)}`).padStart(19);
  const halfAndMost = (sorted: readonly number[]): string =>
    `${ms(median(sorted))}/${ms(sorted.at(-1) ?? 0)}`.padStart(15);
  console.log(
    [
      name.padEnd(38),
      String(requests).padStart(8),
      String(withheld).padStart(8),
      String(failed).padStart(6),
      String(wrong).padStart(5),
      String(stale).padStart(5),
      String(cut).padStart(3),
      halfAndMost(switchMs),
      halfAndMost(seenMs),
      of(near),
      of(noted),
      of(away),
      [near, noted, away]
        .map(({ sentP99 }) => ms(sentP99))
        .join('/')
        .padStart(30),
      (near.sentP99 / away.sentP99).toFixed(2).padStart(9),
    ].join(' '),
  );
}

function summarize(name: string, results: readonly Result[]): void {
  const over = (value: (latency: TrafficFigures['latency']) => number): number =>
    median(results.map(({ figures }) => value(figures.latency)).toSorted((a, b) => a - b));
  const line = (what: 'p99' | 'sentP99'): string =>
    `near ${ms(over(({ near }) => near[what]))}, looks ${ms(over(({ noted }) => noted[what]))}, away ${ms(over(({ away }) => away[what]))}, near/away ${over(({ near, away }) => near[what] / away[what]).toFixed(2)}`;
  console.log(
    `${name}: medians of ${results.length} rounds: p99 since due ${line('p99')}; since sent ${line('sentP99')}`,
  );
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function ms(value: number): string {
  return value.toFixed(1);
}
