/**
 * How long an environment of many hosts takes to read and evaluate, from bytes to what is declared. Prints the best
 * and the median of several runs of one process that has done so before, and the first, which has not.
 *
 *   node bench/config.ts
 */
import { performance } from 'node:perf_hooks';
import { type LoadInput, loadConfig } from '../src/config/load.ts';

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
const warmUps = 20;

for (const [count, runs] of [
  [1_000, 100],
  [10_000, 20],
] as const) {
  const input = inputOf(hosts(count));
  const times: number[] = [];
  for (let run = 0; run < warmUps + runs; run++) {
    const start = performance.now();
    const { declared, diagnostics } = await loadConfig(input);
    times.push(performance.now() - start);
    if (declared?.hosts.length !== count) throw new Error(`not read: ${JSON.stringify(diagnostics[0])}`);
  }
  const sorted = times.slice(warmUps).toSorted((a, b) => a - b);
  const [best = 0] = sorted;
  const median = sorted[sorted.length >> 1] ?? 0;
  console.log(
    `${count} hosts: best ${best.toFixed(1)} ms, median ${median.toFixed(1)} ms, first ${times[0]?.toFixed(1)} ms (${runs} runs after ${warmUps})`,
  );
}
