/** Puts a whole recorded state somewhere: a document back (`state push`), or everything to another folder (`state migrate`). */
import { randomUUID } from 'node:crypto';
import { join, relative, resolve } from 'node:path';
import type { Diagnostic, RecordEdit, RunNumber, StateDeclared } from '../model/index.ts';
import { shellWord } from '../model/shell-word.ts';
import type { Link } from '../state/local/chain.ts';
import type { StateCopy } from '../state/local/copy.ts';
import { stateExists } from '../state/local/database.ts';
import { type LocalState, openLocalState } from '../state/local/store.ts';
import type { AppContext } from './context.ts';
import type { EnvironmentFolder } from './environment.ts';
import { AppFailure } from './failure.ts';
import { actorOf, openForReading } from './state.ts';
import { keepBackup, readDocument } from './state-document.ts';

export interface Transferred {
  readonly lineage: string;
  /** The state serial afterwards. */
  readonly serial: number;
  /** False: what was to be put there was there already. */
  readonly isChanged: boolean;
  /** Where that is kept which was replaced; undefined: nothing was. */
  readonly backup: string | undefined;
  /** What was lost to `force`, as a sentence; undefined: nothing. */
  readonly lost: string | undefined;
}

export interface PushAsk {
  readonly text: string;
  /** How messages call the document: its path, or `standard input`. */
  readonly from: string;
  /** Replace also a state that is newer, or another one. */
  readonly force: boolean;
}

/** The caller holds the lock. Throws an `AppFailure` where something would be lost and `force` was not given. */
export async function pushState(state: StateDeclared, ask: PushAsk, cx: AppContext): Promise<Transferred> {
  const copy = await readDocument(ask.text, ask.from);
  return await putInto(state.path, copy, { ...ask, edit: 'push' }, cx);
}

export interface MigrateAsk {
  /** Absolute folder of the state as it was until now. */
  readonly from: string;
  readonly force: boolean;
}

/**
 * The caller holds the locks of both. What is left behind is kept, and says where it went: nothing is written there any
 * more. Cut off in the middle, it can be done again.
 */
export async function migrateState(
  state: StateDeclared,
  ask: MigrateAsk,
  cx: AppContext,
): Promise<Transferred> {
  await using source = await openLocalState(ask.from, { create: true, randomUUID });
  const { unfinished } = await source.read();
  if (unfinished !== undefined) throw new AppFailure([settleFirst(unfinished.run, ask.from)]);
  const left = (await source.edits()).at(-1)?.movedTo;
  if (left !== undefined && left !== state.path) throw new AppFailure([movedBefore(ask.from, left)]);
  const done = await putInto(state.path, await source.copy(), { ...ask, edit: 'migrate' }, cx);
  if (left === undefined) await source.edit({ ...editBy('migrate', cx), movedTo: state.path });
  return done;
}

/**
 * Where the state is until now: the folder that was named, or the usual one. Throws an `AppFailure` where there is none.
 */
export function migrationSource(
  named: string | undefined,
  { name, projectFolder }: EnvironmentFolder,
  cx: AppContext,
): StateDeclared {
  const path = named === undefined ? join(projectFolder, '.deployctl', name) : resolve(cx.cwd, named);
  if (stateExists(path)) return { backend: 'local', path };
  throw new AppFailure([
    {
      code: 'no-state-to-migrate',
      severity: 'error',
      summary: 'There is no recorded state to move',
      detail: `${path} holds none. Nothing was changed.`,
      hint:
        named === undefined
          ? `If it was elsewhere, name the folder:  deployctl state migrate ENV --from FOLDER\nIf nothing was deployed yet, nothing has to be moved.`
          : 'Name the folder that the configuration declared before: it holds a file state.sqlite.',
    },
  ]);
}

/** The answer where the state is already where it is declared. */
export async function unchangedState(state: StateDeclared): Promise<Transferred> {
  await using store = await openForReading(state);
  return { ...(await placeOf(store)), isChanged: false, backup: undefined, lost: undefined };
}

const settleFirst = (run: RunNumber, from: string): Diagnostic => ({
  code: 'run-unfinished',
  severity: 'error',
  summary: 'An earlier run is not finished',
  detail: `Run ${run}, which is recorded in ${from}, stopped part-way. Its record is not moved from under it. Nothing was changed.`,
  hint: 'Declare the state where it was. Then go on with the run:  deployctl apply ENV --resume\nOr undo what it did:  deployctl abort ENV',
});

const movedBefore = (from: string, to: string): Diagnostic => ({
  code: 'state-moved',
  severity: 'error',
  summary: 'The recorded state was moved',
  detail: `What was in ${from} is kept in ${to} since. Nothing was changed.`,
  hint: `Take it from there:  deployctl state migrate ENV --from ${shellWord(to)}`,
});

interface Putting {
  readonly edit: 'push' | 'migrate';
  readonly from: string;
  readonly force: boolean;
}

async function putInto(
  folder: string,
  copy: StateCopy,
  { edit, from, force }: Putting,
  cx: AppContext,
): Promise<Transferred> {
  await using store = await openLocalState(folder, { create: true, randomUUID });
  const there = await store.copy();
  const comparison = compare(there, copy);
  if (comparison.is === 'same' && !isLeft(there)) {
    return { ...(await placeOf(store)), isChanged: false, backup: undefined, lost: undefined };
  }
  if (comparison.is === 'refused' && !force) throw new AppFailure([comparison.why]);
  const kept = there.links.length === 0 ? undefined : await keepBackup(store, folder, cx.clock.now());
  const backup = kept?.startsWith(`${cx.cwd}/`) ? relative(cx.cwd, kept) : kept;
  await store.replace(copy, { ...editBy(edit, cx), from });
  return {
    ...(await placeOf(store)),
    isChanged: true,
    backup,
    lost:
      comparison.is === 'refused'
        ? `${comparison.facts} What was only here is gone from the record.`
        : undefined,
  };
}

const editBy = (edit: RecordEdit['edit'], cx: AppContext): RecordEdit => ({
  at: cx.clock.now(),
  actor: actorOf(cx),
  edit,
  seen: [],
});

async function placeOf(store: LocalState): Promise<Pick<Transferred, 'lineage' | 'serial'>> {
  const { lineage, stateSerial } = await store.read();
  return { lineage, serial: stateSerial };
}

// ── older, newer, or another one ─────────────────────────────────────────────────────────────────────

type Comparison =
  /** The document goes on from what is here: nothing is lost. */
  | { readonly is: 'ahead' }
  | { readonly is: 'same' }
  | { readonly is: 'refused'; readonly facts: string; readonly why: Diagnostic };

/** Whether its content was moved elsewhere: only the note of that tells it from a state that is used. */
function isLeft({ links }: StateCopy): boolean {
  const last = links.at(-1);
  return last?.kind === 'edit' && (JSON.parse(last.body) as RecordEdit).movedTo !== undefined;
}

/** The newest link that says more than how the state got here: pushes and moves change nothing that is recorded. */
function lastOfSubstance({ links }: StateCopy): Link | undefined {
  return links.findLast(({ kind, body }) => {
    if (kind !== 'edit') return true;
    const { edit } = JSON.parse(body) as RecordEdit;
    return edit !== 'push' && edit !== 'migrate';
  });
}

/** Where the histories agree, the one that is longer holds the other. */
export function compare(here: StateCopy, document: StateCopy): Comparison {
  const ours = lastOfSubstance(here);
  if (ours === undefined) return { is: 'ahead' };
  if (here.lineage !== document.lineage) return otherLineage(here, document);
  const theirs = lastOfSubstance(document);
  if (document.links[ours.seq - 1]?.hash === ours.hash) {
    return { is: theirs?.seq === ours.seq ? 'same' : 'ahead' };
  }
  const isOlder = theirs === undefined || here.links[theirs.seq - 1]?.hash === theirs.hash;
  return isOlder ? older(here, document) : diverged(here, document);
}

const refused = (code: string, summary: string, facts: string): Comparison => ({
  is: 'refused',
  facts,
  why: {
    code,
    severity: 'error',
    summary,
    detail: `${facts} What is only here would be gone. Nothing was changed.`,
    hint: 'If that is what you want, say so with --force: what is replaced is kept as a backup beside the state.',
  },
});

const serials = (here: StateCopy, document: StateCopy): string =>
  `Here is serial ${here.links.length}, and what would replace it has serial ${document.links.length}`;

const otherLineage = (here: StateCopy, document: StateCopy): Comparison =>
  refused(
    'state-other-lineage',
    'The state that is here is another one',
    `Here is lineage ${here.lineage} with serial ${here.links.length}, and the other has lineage ${document.lineage}: they have no history in common.`,
  );

const older = (here: StateCopy, document: StateCopy): Comparison =>
  refused('state-older', 'The state that is here is newer', `${serials(here, document)}.`);

const diverged = (here: StateCopy, document: StateCopy): Comparison => {
  const same = here.links.findIndex((link, at) => link.hash !== document.links[at]?.hash);
  return refused(
    'state-diverged',
    'The two states went different ways',
    `${serials(here, document)}; they are the same up to entry ${same}, and each has others since.`,
  );
};
