/**
 * kill -9 in the middle of a switch by DNS: of deployctl, before and after each write of its journal and each effect, and
 * of the name server. What was acknowledged stands on the server, and the run that is resumed ends where it would have.
 */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { noFailpoint } from '../../src/engine/failpoint.ts';
import { resume, run } from '../../src/engine/run.ts';
import {
  type JournalEntry,
  type Plan,
  type RecordedResource,
  type RecordSet,
  recordMovesOf,
  sameValue,
} from '../../src/model/index.ts';
import { type LocalState, openLocalState } from '../../src/state/local/store.ts';
import { hasDns, type RunningDns, startDns } from '../rig/dns-servers.ts';
import { startChild } from '../rig/processes.ts';
import { temporaryFolder } from '../rig/state.ts';
import { contextOf, move, open, recordOf, setsOf, zoneAt } from '../rig/zones.ts';
import { addresses, alias, nameOptions, namePlan, stateFolder } from './dns-scenario.ts';

const childScript = new URL('./dns-child.ts', import.meta.url);

type Sets = Readonly<Record<string, RecordSet | null>>;
const asAtStart: Sets = { A: addresses, CNAME: null };
const asAtEnd: Sets = { A: null, CNAME: alias };

/** The name and its serial, as its server has them. */
const seenOn = async (dns: RunningDns): Promise<{ readonly sets: Sets; readonly serial: number }> => {
  const { A = null, CNAME = null, serial } = await setsOf(dns.endpoint, 'shop');
  return { sets: { A, CNAME }, serial };
};

const putBack = async (dns: RunningDns): Promise<void> => {
  const { sets } = await seenOn(dns);
  if (sameValue(sets, asAtStart)) return;
  const back = {
    ...move(recordOf('shop'), sets.A ?? null, addresses),
    beside: [{ record: recordOf('shop', 'CNAME'), from: sets.CNAME ?? null, to: null }],
  };
  await open(zoneAt(dns.endpoint)).perform(back, contextOf());
};

/** What the record's moves leave behind when these are done. */
function setsAfter(plan: Plan, isDone: (step: string) => boolean): Sets {
  const sets: Record<string, RecordSet | null> = { ...asAtStart };
  for (const { id, operation } of plan.steps) {
    if (operation.op !== 'record.set' || !isDone(id)) continue;
    for (const { record, to } of recordMovesOf(operation)) sets[record.type] = to;
  }
  return sets;
}

/** What stands is what was acknowledged, and at most one more thing that was begun. */
function belied(plan: Plan, journal: readonly JournalEntry[], sets: Sets): boolean {
  const marked = (mark: JournalEntry['mark']): ReadonlySet<unknown> =>
    new Set(journal.filter((each) => each.mark === mark).map(({ step }) => step));
  const [done, begun] = [marked('done'), marked('intended')];
  return (
    !sameValue(
      sets,
      setsAfter(plan, (step) => done.has(step)),
    ) &&
    !sameValue(
      sets,
      setsAfter(plan, (step) => begun.has(step)),
    )
  );
}

const isKnown = (resources: readonly RecordedResource[], type: string): unknown =>
  resources.flatMap((each) =>
    each.kind === 'record' && each.address.endsWith(`/${type}"]`) ? [each.spec?.rrset ?? null] : [],
  )[0] ?? null;

/** When each wait is over, by the journal: said once, and never again otherwise. */
const endsOfWaits = (journal: readonly JournalEntry[]): readonly string[] => [
  ...new Set(
    journal.flatMap(({ step, detail }) => {
      const until = typeof detail === 'object' && detail !== null && 'until' in detail ? detail.until : null;
      return until === null ? [] : [`${step} until ${until}`];
    }),
  ),
];

const openState = (folder: string): Promise<LocalState> =>
  openLocalState(stateFolder(folder), { create: true, randomUUID });

test('killed at every point and resumed, a switch by DNS ends where it would have, and no update is made twice', {
  timeout: 300_000,
}, async () => {
  const problems: string[] = [];
  const lanes = 3;
  let end = Number.POSITIVE_INFINITY;
  const lane = async (first: number): Promise<void> => {
    await using dns = await startDns('lab');
    const plan = namePlan(dns.endpoint);
    for (let point = first; point < end; point += lanes) {
      using folder = temporaryFolder();
      await putBack(dns);
      const { serial: before } = await seenOn(dns);
      const child = startChild(childScript, [folder.path, `${dns.endpoint.port}`], {
        DEPLOYCTL_FAIL: `kill@${point}`,
      });
      const { code, signal, stderr } = await child.ended;
      if (signal !== 'SIGKILL') {
        expect([point, code, stderr]).toEqual([point, 0, '']);
        end = Math.min(end, point);
        return;
      }
      const wrong = (what: string): number => problems.push(`kill@${point}: ${what}`);
      await using store = await openState(folder.path);
      const [begun] = await store.runs();
      const killed = begun === undefined ? [] : await store.journal(1);
      if (belied(plan, killed, (await seenOn(dns)).sets))
        wrong('the server has something else than was done');
      const options = nameOptions(plan, store, noFailpoint);
      if (begun === undefined) await run(plan, options);
      else if ((await store.read()).unfinished !== undefined) await resume(options);
      const { sets, serial } = await seenOn(dns);
      const { resources } = await store.read();
      if ((await store.runs()).at(-1)?.outcome !== 'complete') wrong('it did not complete');
      if (!sameValue(sets, asAtEnd)) wrong(`the name ends as ${JSON.stringify(sets)}`);
      if (serial - before !== 3) wrong(`${serial - before} updates were made`);
      if (!sameValue([isKnown(resources, 'A'), isKnown(resources, 'CNAME')], [null, alias])) {
        wrong(`recorded are ${JSON.stringify(resources)}`);
      }
      const ends = endsOfWaits(await store.journal(1));
      if (ends.length !== 2) wrong(`the waits have other ends after the kill: ${ends.join(', ')}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index + 1)));
  expect(problems).toEqual([]);
  // Three updates, each with its two writes and its effect, five waits, and the beginning and the end.
  expect(end).toBeGreaterThan(40);
});

describe.skipIf(!hasDns.bind)(
  `the name server is killed${hasDns.bind ? '' : ' (without bind9: not covered)'}`,
  () => {
    test('before and after each effect: what was acknowledged is there when it is back, and the run comes to its end', {
      timeout: 300_000,
    }, async () => {
      const problems: string[] = [];
      const lanes = 2;
      let end = Number.POSITIVE_INFINITY;
      const lane = async (first: number): Promise<void> => {
        await using dns = await startDns('bind');
        const plan = namePlan(dns.endpoint);
        for (let point = first; point < end; point += lanes) {
          using folder = temporaryFolder();
          await putBack(dns);
          await using store = await openState(folder.path);
          let passed = 0;
          let back: Promise<void> | undefined;
          const failpoint = (name: string): void => {
            if (!/^effect:(before|after):record\.(set|converge)/.test(name)) return;
            passed += 1;
            if (passed === point) back = dns.kill9().then(() => dns.start());
          };
          const options = nameOptions(plan, store, failpoint);
          await run(plan, options);
          if (back === undefined) {
            end = Math.min(end, point);
            return;
          }
          await back;
          const wrong = (what: string): number => problems.push(`at point ${point}: ${what}`);
          for (let turn = 0; turn < 3 && (await store.read()).unfinished !== undefined; turn += 1) {
            await resume({ ...options, failpoint: noFailpoint });
          }
          const outcome = (await store.runs()).at(-1)?.outcome;
          const { sets } = await seenOn(dns);
          const isWhole =
            (outcome === 'complete' && sameValue(sets, asAtEnd)) ||
            (outcome === 'reverted' && sameValue(sets, asAtStart));
          if (!isWhole) wrong(`it ended ${outcome}, and the name is ${JSON.stringify(sets)}`);
        }
      };
      await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index + 1)));
      expect(problems).toEqual([]);
      expect(end).toBeGreaterThanOrEqual(13);
    });
  },
);
