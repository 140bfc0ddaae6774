/** A canary that climbs 1, 5, 25, 50 and 100 percent under load, and one that is taken back at 25: on any balancer. */
import { expect } from 'vitest';
import { type EventLine, eventsOf, untilOutput } from './outcomes.ts';
import type { Program } from './program.ts';
import { isShare, startShareClient } from './share-client.ts';

/** Audiences by header and by cookie from the first step on. The service has `sticky_cookie = "uid"`. */
export const ladder = (bake: string): string => `strategy "canary" {
    step {
      share = 1
      bake  = "${bake}"
      audience {
        header = { "X-Beta" = "1" }
        cookie = { plan = "pro" }
      }
    }
    step {
      share = 5
      bake  = "${bake}"
    }
    step {
      share = 25
      bake  = "${bake}"
    }
    step {
      share = 50
      bake  = "${bake}"
    }
    on_failure = "revert"
  }`;

export interface Climb {
  readonly program: Program;
  readonly port: number;
  readonly rate: number;
  /** The versions that serve before and after. */
  readonly from: string;
  readonly to: string;
  /** The slot that takes over: `green`. */
  readonly slot: string;
}

const timeOf = (events: readonly EventLine[], type: string, step: string): number =>
  Date.parse(String(events.find((event) => event.type === type && event.step === step)?.at));

/** Applies; each share is what it says, the audiences are right, no user comes back, and nothing fails. */
export async function expectClimb({ program, port, rate, from, to, slot }: Climb): Promise<void> {
  const client = startShareClient(port, rate);
  const applied = await program.cli('apply', '--auto-approve', '--json').finally(() => client.stop());
  expect([applied.code, applied.stderr]).toEqual([0, '']);
  expect(client.failures).toEqual([]);
  const events = eventsOf(applied);
  for (const [index, percent] of [1, 5, 25, 50].entries()) {
    const begun = timeOf(events, 'step_started', `shop/${slot}/bake-${index + 1}`);
    const ended = timeOf(events, 'step_done', `shop/${slot}/bake-${index + 1}`);
    const { [from]: stable = 0, [to]: fresh = 0 } = client.between(begun, ended);
    expect(stable + fresh).toBeGreaterThan(rate / 4);
    expect({ percent, fresh, stable, fits: isShare(fresh, stable + fresh, percent) }).toMatchObject({
      fits: true,
    });
    for (const named of [client.betaBetween(begun, ended), client.proBetween(begun, ended)]) {
      expect([named[from] ?? 0, (named[to] ?? 0) > 0]).toEqual([0, true]);
    }
  }
  expect(client.flipsFrom(to)).toEqual([]);
}

/** Stops at 25% and aborts: the share stays meanwhile, then everybody is back in one move, and no user before. */
export async function expectAbortAt25({ program, port, rate, from, to, slot }: Climb): Promise<void> {
  const client = startShareClient(port, rate);
  try {
    const { child, ended } = program.start({}, 'apply', '--auto-approve', '--json');
    await untilOutput(child, new RegExp(`"step_started"[^\\n]*shop/${slot}/bake-3"`));
    child.kill('SIGINT');
    expect((await ended).code).toBe(4);
    const stoppedAt = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const abortedAt = Date.now();
    const aborted = await program.cli('abort', '--json');
    const backAt = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(aborted.code).toBe(3);
    const { [to]: fresh = 0, [from]: stable = 0 } = client.between(stoppedAt, abortedAt);
    expect({ fresh, stable, fits: isShare(fresh, fresh + stable, 25) }).toMatchObject({ fits: true });
    expect(client.flipsFrom(to, abortedAt)).toEqual([]);
    for (const named of [client.betaBetween, client.proBetween]) {
      expect(named(stoppedAt, abortedAt)[from] ?? 0).toBe(0);
    }
    expect(client.between(backAt, Number.POSITIVE_INFINITY)).not.toHaveProperty([to]);
    // From 25% to none in one move: the shares on the way up are not gone through again.
    const moves = eventsOf(aborted).filter(
      ({ type, undoing, step }) =>
        type === 'step_done' && undoing === true && String(step).includes('/share-'),
    );
    expect(moves.map(({ step, unchanged }) => [step, unchanged])).toEqual([
      [`shop/${slot}/share-3`, false],
      [`shop/${slot}/share-2`, true],
      [`shop/${slot}/share-1`, true],
    ]);
  } finally {
    await client.stop();
  }
  expect(client.failures).toEqual([]);
}
