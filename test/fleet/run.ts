/** A run of deployctl that stands still at a point of its own while the test changes the world. */
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Ended, Program } from '../rig/program.ts';

/** A line of `--json`. */
export interface Seen {
  readonly type: string;
  readonly step?: string;
  readonly undoing?: boolean;
}

export interface RunAt {
  /** A point as DEPLOYCTL_FAIL names it (src/engine/failpoint.ts): `effect:before:route.set`. */
  readonly point: string;
  /** The run does not execute one instruction before this has ended. */
  readonly meanwhile: () => Promise<void>;
}

export interface RanAt extends Ended {
  /** Whether the run came to the point. */
  readonly isReached: boolean;
}

/** Longer than any limit that a run of these tests may wait for. */
const longestMs = 170_000;

/** Runs it to its end. `told` hears each event as it is printed; the summary of each step is `summaries`'. */
export async function runAt(
  { start }: Program,
  args: readonly string[],
  at: RunAt | undefined,
  told: (event: Seen, summary: string) => void = () => {},
): Promise<RanAt> {
  const { child, ended } = start(
    at === undefined ? {} : { DEPLOYCTL_FAIL: `stop@${at.point}` },
    ...args,
    '--json',
  );
  const late = setTimeout(() => child.kill('SIGKILL'), longestMs);
  let summaries = new Map<string, string>();
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      if (event.type === 'run_started')
        summaries = new Map(
          event.plan.steps.map((each: { id: string; summary: string }) => [each.id, each.summary]),
        );
      told(event, summaries.get(event.step) ?? '');
    });
  }
  let isReached = false;
  if (at !== undefined) {
    while (child.exitCode === null && child.signalCode === null) {
      if (isStopped(child.pid ?? 0)) {
        isReached = true;
        await at.meanwhile().finally(() => child.kill('SIGCONT'));
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  const result = await ended;
  clearTimeout(late);
  return { ...result, isReached };
}

function isStopped(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return (
    existsSync(path) &&
    readFileSync(path, 'utf8')
      .replace(/^.*\) /s, '')
      .startsWith('T')
  );
}
