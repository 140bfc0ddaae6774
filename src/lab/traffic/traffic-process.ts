/** The load generator as a process of its own, so that neither the lab nor deployctl slows its clock. */
import { renameSync, writeFileSync } from 'node:fs';
import { runPart } from '../process-part.ts';
import { startTraffic, type TrafficOptions } from './generator.ts';

runPart<TrafficOptions & { readonly file: string }>(async ({ file, ...options }, parts) => {
  const traffic = startTraffic(options);
  const write = (figures: unknown): void => {
    writeFileSync(`${file}.next`, `${JSON.stringify(figures)}\n`, { mode: 0o600 });
    renameSync(`${file}.next`, file);
  };
  write(traffic.figures());
  const timer = setInterval(() => write(traffic.figures()), 250);
  parts.push({
    async close() {
      clearInterval(timer);
      write(await traffic.stop());
    },
  });
});
