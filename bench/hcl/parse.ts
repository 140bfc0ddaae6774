/**
 * How fast a fleet is read: `node bench/hcl/parse.ts`. Our parser and hcl2-parser on the same text, side by side in one
 * process, cold (the first time) and warm (the best of many), in processor time; then ten times as many hosts, which must cost about
 * ten times as much. Prints a table, and exits with 1 when a target of the language is missed.
 */
import { askHashicorp } from '../../src/hcl/judge/hashicorp.ts';
import { parseFile } from '../../src/hcl/syntax/parser.ts';

/** 1,000 hosts must be at least this much faster than hcl2-parser, cold against cold and warm against warm. */
const LEAST_RATIO = 30;
/** 10,000 hosts may cost this much more than 1,000 do: ten times, and the collection of a larger heap. */
const MOST_GROWTH = 16;

/** Hosts of six lines, as a fleet declares them. */
function hosts(count: number): string {
  const blocks: string[] = [];
  for (let index = 0; index < count; index++) {
    const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
    blocks.push(
      `host "web-${index}" {\n  address = "${address}"\n  ssh     = ssh.default\n  labels  = { role = "web", zone = "z${index % 3}" }\n  weight  = ${index % 7} + 1\n}\n`,
    );
  }
  return blocks.join('\n');
}

/** Processor time of this thread: what is measured must not depend on what else the machine does. */
function timeMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

function bestMs(runs: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) best = Math.min(best, timeMs(work));
  return best;
}

function mustParse(text: string): void {
  const { body, diagnostics } = parseFile(text, 'hosts.hcl');
  if (diagnostics.length > 0 || body.blocks.length === 0) throw new Error('the benchmark does not parse');
}

function mustAccept(text: string): void {
  if (askHashicorp(text).verdict !== 'accepts') throw new Error('hcl2-parser does not accept the benchmark');
}

/** With all collections of garbage in it, which the best of many runs does not have. */
function meanMs(runs: number, work: () => void): number {
  return (
    timeMs(() => {
      for (let run = 0; run < runs; run++) work();
    }) / runs
  );
}

const small = hosts(1_000);
const large = hosts(10_000);
// Loading hcl2-parser takes a third of a second, and is not what is compared.
mustAccept('a = 1\n');
const ourCold = timeMs(() => mustParse(small));
const theirCold = timeMs(() => mustAccept(small));
const ourWarm = bestMs(60, () => mustParse(small));
const theirWarm = bestMs(4, () => mustAccept(small));
const ourMean = meanMs(100, () => mustParse(small));
const ourLarge = meanMs(10, () => mustParse(large));

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const ratio = (theirs: number, ours: number): string => `${(theirs / ours).toFixed(0)}x`;
const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const row = (...cells: string[]): string =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(13))).join('');

print(row(`${(small.length / 1000).toFixed(0)} kB, 1,000 hosts of 6 lines`, 'ours', 'hcl2-parser', 'ratio'));
print(row('first parse', ms(ourCold), ms(theirCold), ratio(theirCold, ourCold)));
print(row('warm', ms(ourWarm), ms(theirWarm), ratio(theirWarm, ourWarm)));
print(row('mean of 100', ms(ourMean)));
print(row('10,000 hosts, mean of 10', ms(ourLarge), '', `${(ourLarge / ourMean).toFixed(1)}x of 1,000`));

const missed = [
  theirCold / ourCold < LEAST_RATIO && `the first parse is less than ${LEAST_RATIO} times faster`,
  theirWarm / ourWarm < LEAST_RATIO && `a warm parse is less than ${LEAST_RATIO} times faster`,
  ourLarge / ourMean > MOST_GROWTH && `10,000 hosts cost more than ${MOST_GROWTH} times what 1,000 cost`,
].filter((reason) => reason !== false);
for (const reason of missed) print(`missed: ${reason}`);
if (missed.length > 0) process.exitCode = 1;
