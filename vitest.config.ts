import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // One second, which is vitest's own, is what a starved server may need to take a connection.
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    // Most tests wait: for servers, health checks, clocks. On 2 cores vitest would take 1.
    maxWorkers: Math.max(2, availableParallelism()),
    // Real servers on a shared machine can be starved for seconds. What fails twice fails; a person sees the first.
    retry: process.env.CI === 'true' ? 1 : 0,
  },
});
