import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './tools/checks/longest-first.ts';

export default defineConfig({
  test: {
    // Many times what they take: a machine that starves them is no failure of what they test.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // One second, which is vitest's own, is what a starved server may need to take a connection.
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    // Most tests wait: for servers, health checks, clocks. With one more than the processors a quarter of these was idle.
    maxWorkers: Math.max(4, availableParallelism() + 2),
    sequence: { sequencer: LongestFirst },
    projects: [
      // Pure, or alone with their own folders: a hundred files share the processes that have loaded the sources.
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.{ts,tsx}'], isolate: false } },
      { extends: true, test: { name: 'real', include: ['test/!(unit)/**/*.test.{ts,tsx}'] } },
    ],
  },
});
