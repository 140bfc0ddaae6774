/**
 * The whole product under load: three OpenSSH hosts and a fourth with a real HAProxy, the built program, and 50 switches
 * by `deployctl revert`, each of which goes to the other, warm side. Prints what the clients saw and how long the engine
 * took; exits 1 if a request failed, was answered by a wrong or an old side, or a connection was cut.
 *
 *   node bench/blue-green.ts [switches] [requests per second]
 */
import { startScene } from '../test/rig/scene.ts';
import { startTrafficProcess } from '../test/rig/traffic-process.ts';

const switches = Number(process.argv[2] ?? 50);
const rate = Number(process.argv[3] ?? 1000);

interface Event {
  readonly type: string;
  readonly step?: string;
  readonly elapsed_ms?: number;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const line = (name: string, values: readonly number[]): string => {
  const sorted = values.toSorted((a, b) => a - b);
  return `${name.padEnd(34)} p50 ${percentile(sorted, 0.5).toFixed(0)} ms, p90 ${percentile(sorted, 0.9).toFixed(0)} ms, max ${(sorted.at(-1) ?? 0).toFixed(0)} ms`;
};

await using scene = await startScene();
for (const version of ['1.0.0', '2.0.0']) {
  scene.setVersion(version);
  const applied = await scene.cli('apply', '--auto-approve');
  if (applied.code !== 0) throw new Error(`apply ${version}: ${applied.stdout}${applied.stderr}`);
}

const traffic = startTrafficProcess(
  { port: scene.port, rate, keepAlive: 32, freshShare: 0.2, slow: 4, upgraded: 5 },
  '2.0.0',
);
const runMs: number[] = [];
const switchMs: number[] = [];
const commandMs: number[] = [];
let side = '2.0.0';
for (let index = 0; index < switches; index += 1) {
  const next = side === '2.0.0' ? '1.0.0' : '2.0.0';
  traffic.expectBoth(next);
  const started = performance.now();
  const reverted = await scene.cli('revert', '--auto-approve', '--json');
  commandMs.push(performance.now() - started);
  if (reverted.code !== 0) throw new Error(`revert: ${reverted.stdout}${reverted.stderr}`);
  traffic.acknowledge(next);
  side = next;
  const events = reverted.stdout
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as Event);
  runMs.push(events.at(-1)?.elapsed_ms ?? Number.NaN);
  const switched = events.find(
    (event) => event.type === 'step_done' && event.step?.endsWith('/switch') === true,
  );
  switchMs.push(switched?.elapsed_ms ?? Number.NaN);
}
const figures = await traffic.stop();
const { requests, failed, wrong, stale, cut, latency } = figures;
console.log(
  `${switches} switches by deployctl revert, ${rate} requests a second wanted, HAProxy, 3 OpenSSH hosts`,
);
console.log(
  `requests ${requests}, failed ${failed}, wrong ${wrong}, stale ${stale}, cut ${cut} of 5 upgraded connections`,
);
console.log(
  `latency of the requests            p50 ${latency.all.p50.toFixed(1)} ms, p99 ${latency.all.p99.toFixed(1)} ms, max ${latency.all.max.toFixed(0)} ms`,
);
console.log(line('switch, looked at before and after', switchMs));
console.log(line('revert, engine time', runMs));
console.log(line('revert, the whole command', commandMs));
for (const reason of figures.reasons) console.log(`  ${reason}`);
if (failed + wrong + stale + cut > 0) process.exitCode = 1;
