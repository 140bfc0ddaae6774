/** The load generator as a process of its own, so that neither the lab nor deployctl slows its clock. */
import { renameSync, writeFileSync } from 'node:fs';
import { startTraffic, type TrafficOptions } from './generator.ts';

const { file, ...options } = JSON.parse(process.argv[2] ?? '{}') as TrafficOptions & {
  readonly file: string;
};

const traffic = startTraffic(options);
const write = (figures: unknown): void => {
  writeFileSync(`${file}.next`, `${JSON.stringify(figures)}\n`, { mode: 0o600 });
  renameSync(`${file}.next`, file);
};
write(traffic.figures());
const timer = setInterval(() => write(traffic.figures()), 250);

process.once('SIGTERM', () => {
  clearInterval(timer);
  void traffic.stop().then((figures) => {
    write(figures);
    process.exitCode = 0;
  });
});
process.send?.({ ready: true });
process.disconnect?.();
