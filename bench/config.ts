/**
 * How long an environment of many hosts takes to read and evaluate, from bytes to what is declared, beside how long
 * hcl2-parser takes to parse the same text, and beside how fast the machine was meanwhile.
 *
 * Machines that are shared change their speed several times a minute, memory more than arithmetic: the same load takes
 * 12 ms in one stretch and 25 in the next. So each load stands between two walks through 4 MB of memory, always the same
 * work. Where both took at most 1.3 times as long as the shortest walk of the run, nobody was in the way, and the median
 * of these loads is printed too: what a machine of one's own would show. The median of all is what this one did.
 * Collections of garbage are in both. Processor time is without the waiting for other processes; the kernel counts it in
 * steps of up to 4 ms, so that only means of it are printed.
 *
 *   node bench/config.ts
 */
import { performance } from 'node:perf_hooks';
import { type LoadInput, loadConfig } from '../src/config/load.ts';
import { askHashicorp } from '../src/hcl/judge/hashicorp.ts';

/** Hosts of six lines each, as people write them. */
function hosts(count: number): string {
  const blocks = [
    'ssh "default" {\n  user = "deploy"\n}\n\nvariable "network" {\n  default = "10.0"\n}\n\nlocals {\n  zones = ["a", "b"]\n}\n',
  ];
  for (let i = 0; i < count; i++) {
    blocks.push(
      `host "web-${i}" {\n  address = "\${var.network}.${i >> 8}.${i & 255}"\n  ssh     = ssh.default\n  port    = 22\n  labels  = { role = "web", zone = local.zones[${i % 2}] }\n}\n`,
    );
  }
  return blocks.join('\n');
}

const inputOf = (text: string): LoadInput => ({
  environment: 'bench',
  folder: '/project/environments/bench',
  projectFolder: '/project',
  files: [{ path: 'environments/bench/main.hcl', bytes: new TextEncoder().encode(text) }],
  variables: {},
  balancerKinds: async () => [],
  operator: { homeFolder: '/home/kim', userName: 'kim' },
  ports: {
    readArtifact: () => {
      throw new Error('there is no release here');
    },
    evaluation: {},
  },
  toolVersion: '0.1.0',
});

/** Until V8 has compiled what is hot, and knows how much of it to keep. */
const smallWarmUps = 60;
const largeWarmUps = 4;
/** How much longer than the shortest walk one may take when nobody is in the way. */
const undisturbed = 1.3;

/** Each entry says which is next, all over the place: nearly every step waits for memory, not for the processor. */
const path = Int32Array.from({ length: 1 << 20 }, (_, at) => (at * 7917 + 13) % (1 << 20));

/** How long 100,000 steps take. */
function walkMs(): number {
  const start = performance.now();
  let at = 0;
  for (let step = 0; step < 100_000; step++) at = path[at] ?? 0;
  const took = performance.now() - start;
  if (at < 0) throw new Error('it left the path');
  return took;
}

/** What this thread has had of a processor since it began. */
function processorMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

interface Run {
  readonly loadMs: number;
  /** Processor time of this thread. */
  readonly cpuMs: number;
  /** The longer of the walks before and after it. */
  readonly walkMs: number;
}

/** Loads of one environment. */
class Series {
  readonly text: string;
  readonly #count: number;
  readonly #input: LoadInput;
  #runs: Run[] = [];

  constructor(count: number) {
    this.#count = count;
    this.text = hosts(count);
    this.#input = inputOf(this.text);
  }

  async load(): Promise<Run> {
    const before = walkMs();
    const cpu = processorMs();
    const start = performance.now();
    const { declared, diagnostics } = await loadConfig(this.#input);
    const loadMs = performance.now() - start;
    const cpuMs = processorMs() - cpu;
    if (declared?.hosts.length !== this.#count)
      throw new Error(`not read: ${JSON.stringify(diagnostics[0])}`);
    const run = { loadMs, cpuMs, walkMs: Math.max(before, walkMs()) };
    this.#runs.push(run);
    return run;
  }

  /** Forgets the loads so far, and gives the first. */
  begin(): Run | undefined {
    const [first] = this.#runs;
    this.#runs = [];
    return first;
  }

  get medianMs(): number {
    return median(this.#runs.map(({ loadMs }) => loadMs));
  }

  print(first: Run | undefined): void {
    const walks = this.#runs.map((run) => run.walkMs);
    const limitMs = Math.min(...walks) * undisturbed;
    console.log(`${this.#count} hosts, read and evaluated; the first time ${ms(first?.loadMs ?? 0)}`);
    printTimes('all', this.#runs);
    printTimes(
      'undisturbed',
      this.#runs.filter((run) => run.walkMs <= limitMs),
    );
    console.log(`  the walk meanwhile: best ${ms(Math.min(...walks))}, median ${ms(median(walks))}`);
  }
}

function printTimes(which: string, runs: readonly Run[]): void {
  const loads = runs.map(({ loadMs }) => loadMs);
  const meanCpuMs = runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / runs.length;
  const times =
    runs.length === 0
      ? ''
      : `: best ${ms(Math.min(...loads))}, median ${ms(median(loads))}; processor time: mean ${ms(meanCpuMs)}`;
  console.log(`  ${which}, ${runs.length} times${times}`);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const ms = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`;

function hashicorpMs(text: string): number {
  const start = performance.now();
  if (askHashicorp(text).verdict !== 'accepts') throw new Error('hcl2-parser does not accept the benchmark');
  return performance.now() - start;
}

const small = new Series(1_000);
for (let run = 0; run < smallWarmUps; run++) await small.load();
const first = small.begin();
hashicorpMs('a = 1\n');
const theirs: number[] = [];
for (let run = 0; run < 200; run++) {
  // It takes a second or more each time.
  if (run % 70 === 0) theirs.push(hashicorpMs(small.text));
  await small.load();
}
small.print(first);
console.log(
  `  hcl2-parser, which only parses them: median ${ms(median(theirs))}, ${(median(theirs) / small.medianMs).toFixed(0)} times our median`,
);

const large = new Series(10_000);
for (let run = 0; run < largeWarmUps; run++) await large.load();
const firstLarge = large.begin();
const growth: number[] = [];
for (let round = 0; round < 20; round++) {
  // What is compared is done within a second, at one speed of the machine.
  let tenMs = 0;
  for (let run = 0; run < 10; run++) tenMs += (await small.load()).cpuMs;
  growth.push((10 * (await large.load()).cpuMs) / tenMs);
}
large.print(firstLarge);
console.log(
  `  processor time of one beside that of ten loads of 1000 hosts: ${median(growth).toFixed(1)} times that of each (median of ${growth.length}, ${Math.min(...growth).toFixed(1)} to ${Math.max(...growth).toFixed(1)})`,
);
