/**
 * What a zone of a thousand records costs, on a real BIND, side by side in one run with the tools that people use: the
 * look of a plan (a signed AXFR, each declared record asked at its server, the right to update probed) beside `dig`
 * transferring the zone, and a guarded update, read back, beside `nsupdate`, which reads nothing back.
 *
 *   node bench/dns.ts [records] [rounds]
 *
 * dig and nsupdate are processes of their own, and deployctl is asked within this one: what a start costs is in
 * bench/start.ts.
 */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import type { RecordSet } from '../src/model/index.ts';
import { key } from '../test/rig/dns-keys.ts';
import { hasDns, startDns } from '../test/rig/dns-servers.ts';
import { contextOf, move, open, recordOf, set, zoneAt } from '../test/rig/zones.ts';

const count = Number(process.argv[2] ?? 1_000);
const rounds = Number(process.argv[3] ?? 15);

if (!hasDns.bind) throw new Error('BIND is not installed: apt-get install bind9');

const address = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
const names = Array.from({ length: count }, (_, index) => `r${index}`);

await using dns = await startDns('bind', {
  records: names.map((name, index) => `${name} 60 IN A ${address(index)}\n`).join(''),
});
const { host, port } = dns.endpoint;
const records = names.map((name) => recordOf(name));
await using everyRecord = open(zoneAt(dns.endpoint, { records }));
await using oneRecord = open(zoneAt(dns.endpoint, { records: records.slice(0, 1) }));
const cx = contextOf();

/** Runs a program with this input, and waits until it has ended well. */
const program = (name: string, args: readonly string[], input = ''): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(name, args, { stdio: ['pipe', 'ignore', 'inherit'] });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${name} ended with ${code}`))));
    child.stdin.end(input);
  });

const tsig = `hmac-sha256:${key.name}:${key.secret}`;
const server = [`@${host}`, '-p', String(port), '-y', tsig, '+time=5', '+tries=1'];
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

const [first = recordOf('r0')] = records;
let held: RecordSet = set(60, address(0));
let turn = 0;
const nextValue = (): RecordSet => {
  turn += 1;
  return set(60, address(100_000 + turn));
};

const look = async (provider: typeof everyRecord, wanted: number): Promise<void> => {
  const { observations } = await provider.observe({} as never, signal());
  const present = observations.filter(({ kind, status }) => kind === 'record' && status === 'present').length;
  if (present !== wanted) throw new Error(`saw ${present} of ${wanted} records`);
};

const ways: readonly (readonly [string, () => Promise<void>])[] = [
  [`deployctl: look at ${count} records`, () => look(everyRecord, count)],
  ['deployctl: look at one record of them', () => look(oneRecord, 1)],
  ['dig AXFR', () => program('dig', ['internal.test.', 'AXFR', ...server])],
  [
    'deployctl: guarded update, read back',
    async () => {
      const to = nextValue();
      await oneRecord.perform(move(first, held, to), cx);
      held = to;
    },
  ],
  [
    'nsupdate',
    async () => {
      const to = nextValue();
      const [value = ''] = to.values;
      const lines = [
        `server ${host} ${port}`,
        'update delete r0.internal.test. A',
        `update add r0.internal.test. 60 A ${value}`,
        'send',
      ];
      await program('nsupdate', ['-y', tsig], `${lines.join('\n')}\n`);
      held = to;
    },
  ],
];

const times = new Map<string, number[]>(ways.map(([name]) => [name, []]));
for (let round = -1; round < rounds; round += 1) {
  for (const [name, run] of ways) {
    const started = performance.now();
    await run();
    if (round >= 0) times.get(name)?.push(performance.now() - started);
  }
}

console.log(`${count} records, ${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}`);
for (const [name, taken] of times) {
  const sorted = taken.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1).padStart(8);
  console.log(`${name.padEnd(40)} p50 ${at(0.5)} ms   best ${at(0)} ms`);
}
