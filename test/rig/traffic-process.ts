/**
 * The load of traffic.ts from a process of its own: it shares no event loop with what it measures, and may be started at
 * another place in the network or on another processor. Moments are told in the clock that all processes of a machine
 * share, so it does not matter when they are heard of. Run as a program, it is that client.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { now, startTraffic, type Traffic, type TrafficFigures, type TrafficOptions } from './traffic.ts';

type Told =
  | { readonly what: 'expectBoth' | 'acknowledge'; readonly side: string; readonly at: number }
  | { readonly what: 'note'; readonly beganAt: number; readonly endedAt: number }
  | { readonly what: 'comeAnew' };

/** `by`: the command that starts it where it is to be: `['taskset', '-c', '1']`. */
export function startTrafficProcess(
  options: TrafficOptions,
  first: string,
  by: readonly string[] = [],
): Traffic {
  const script = fileURLToPath(import.meta.url);
  const command = [...by, process.execPath, '--no-warnings', script, JSON.stringify(options), first];
  const [program = process.execPath, ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = text(child.stdout);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // Whoever stops it hears of it.
  ended.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  const tell = (told: Told): void => void child.stdin.write(`${JSON.stringify(told)}\n`);
  return {
    expectBoth: (side, at = now()) => tell({ what: 'expectBoth', side, at }),
    acknowledge: (side, at = now()) => tell({ what: 'acknowledge', side, at }),
    note: (beganAt, endedAt) => tell({ what: 'note', beganAt, endedAt }),
    comeAnew: () => tell({ what: 'comeAnew' }),
    async stop() {
      child.stdin.end();
      const code = await ended;
      if (code !== 0) throw new Error(`the load client ended with ${code}`);
      return JSON.parse(await said) as TrafficFigures;
    },
  };
}

async function serve(options: TrafficOptions, first: string): Promise<void> {
  const traffic = startTraffic(options, first);
  for await (const line of createInterface(process.stdin)) {
    const told = JSON.parse(line) as Told;
    switch (told.what) {
      case 'expectBoth':
      case 'acknowledge':
        traffic[told.what](told.side, told.at);
        break;
      case 'note':
        traffic.note(told.beganAt, told.endedAt);
        break;
      case 'comeAnew':
        traffic.comeAnew();
    }
  }
  console.log(JSON.stringify(await traffic.stop()));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , options = '', first = ''] = process.argv;
  await serve(JSON.parse(options) as TrafficOptions, first);
}
