/** The recorded state as one JSON document: what `state pull` prints, a backup keeps, and `state push` puts back. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canonicalJson, type Diagnostic, type Instant, type Recorded, StateFailure } from '../model/index.ts';
import { isStateCopy, type StateCopy } from '../state/local/copy.ts';
import { type LocalState, openCopy } from '../state/local/store.ts';
import { AppFailure } from './failure.ts';
import { writeWhole } from './whole-file.ts';

const formatVersion = '1.0';

/** The summary is for people and programs; `journal` and `blobs` are the state itself, from which it follows. */
export interface StateDocument extends ReturnType<typeof summaryOf> {
  readonly format_version: typeof formatVersion;
  readonly journal: StateCopy['links'];
  readonly blobs: StateCopy['blobs'];
}

const summaryOf = ({ lineage, stateSerial, resources, deployments, unfinished }: Recorded) => ({
  lineage,
  serial: stateSerial,
  resources: resources.filter((each) => each.spec !== null),
  deployments,
  unfinished: unfinished ?? null,
});

/** A state that does not exist gives an empty document, with the lineage ''. */
export async function documentOf(store: LocalState): Promise<StateDocument> {
  const [recorded, copy] = [await store.read(), await store.copy()];
  return { format_version: formatVersion, ...summaryOf(recorded), journal: copy.links, blobs: copy.blobs };
}

/**
 * The state that a document holds, if it is whole: its chain verifies from the lineage to the newest link, and its summary
 * is what follows from it. Throws an `AppFailure` that says what is wrong with it; `where` names it.
 */
export async function readDocument(text: string, where: string): Promise<StateCopy> {
  const document = parse(text, where);
  const copy = { lineage: document['lineage'], links: document['journal'], blobs: document['blobs'] };
  if (!isStateCopy(copy)) throw new AppFailure([incomplete(where)]);
  let store: LocalState;
  try {
    store = await openCopy(copy, where);
  } catch (cause) {
    if (!(cause instanceof StateFailure)) throw cause;
    throw new AppFailure([broken(where, cause.diagnostic)]);
  }
  await using _ = store;
  const summary: Readonly<Record<string, unknown>> = summaryOf(await store.read());
  const changed = Object.keys(summary).filter(
    (key) => canonicalJson(summary[key]) !== canonicalJson(document[key]),
  );
  if (changed.length > 0) throw new AppFailure([edited(where, changed)]);
  return copy;
}

function parse(text: string, where: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new AppFailure([notADocument(where, 'It is not JSON, or it is cut off.')]);
  }
  if (typeof document !== 'object' || document === null || !('format_version' in document)) {
    throw new AppFailure([notADocument(where, 'It is not what "deployctl state pull" prints.')]);
  }
  const { format_version: version } = document;
  if (typeof version !== 'string' || !/^1\.\d+$/.test(version)) {
    throw new AppFailure([newer(where, String(version))]);
  }
  return document as Readonly<Record<string, unknown>>;
}

/**
 * Keeps what is about to be replaced, as a document beside the state: whole, on the disk, for its owner only. Gives its path.
 */
export async function keepBackup(store: LocalState, folder: string, now: Instant): Promise<string> {
  const text = `${JSON.stringify(await documentOf(store))}\n`;
  const { stateSerial } = await store.read();
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const path = join(folder, 'backups', `${stamp}-serial-${stateSerial}.json`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeWhole(path, text, 0o600);
  return path;
}

// ── what is said ─────────────────────────────────────────────────────────────────────────────────────

const failure = (code: string, summary: string, detail: string, hint: string): Diagnostic => ({
  code,
  severity: 'error',
  summary,
  detail: `${detail} Nothing was changed.`,
  hint,
});

const notADocument = (where: string, why: string): Diagnostic =>
  failure(
    'state-document-invalid',
    'This is not a recorded state',
    `${where}: ${why}`,
    'Push what was pulled:  deployctl state pull ENV > FILE',
  );

const newer = (where: string, version: string): Diagnostic =>
  failure(
    'state-document-newer',
    'The document was written by a newer deployctl',
    `${where} has format_version ${version}, and this deployctl knows 1.0.`,
    'Use the deployctl that wrote it, or a newer one.',
  );

const incomplete = (where: string): Diagnostic =>
  failure(
    'state-document-incomplete',
    'The document does not hold a whole state',
    `${where} lacks the lineage, the journal or the plans, or they have another form. Without them nobody could say that it is what deployctl recorded.`,
    'Pull it again with this deployctl, or take another backup.',
  );

const broken = (where: string, { detail }: Diagnostic): Diagnostic =>
  failure(
    'state-document-broken',
    'The document does not verify',
    `${detail.replace(/ Something other than deployctl.*$/s, '')} It was changed since it was pulled, or it is cut off.`,
    `Take another backup. A state is not edited by hand: "state rm" and "state import" change single entries, and note who did it. (${where})`,
  );

const edited = (where: string, keys: readonly string[]): Diagnostic =>
  failure(
    'state-document-edited',
    'The document was edited',
    `${where}: ${keys.join(', ')} ${keys.length === 1 ? 'is' : 'are'} not what its journal says.`,
    'Push it as it was pulled. To change single entries:\n    deployctl state rm ENV ADDRESS\n    deployctl state import ENV ADDRESS',
  );
