/** A pulled state: what is put back must be what was recorded, to the byte. */
import { describe, expect, test } from 'vitest';
import { AppFailure } from '../../../src/app/failure.ts';
import { documentOf, readDocument } from '../../../src/app/state-document.ts';
import { compare } from '../../../src/app/state-transfer.ts';
import type { RecordEdit, RecordedResource, StepId } from '../../../src/model/index.ts';
import { type LocalState, openCopy, openMemoryState } from '../../../src/state/local/store.ts';
import { planOf, shop, switching } from '../../rig/plans.ts';
import { actor, at, countingIds } from '../../rig/state.ts';

const member = (admin: 'ready' | 'drain' | null): RecordedResource =>
  ({
    kind: 'member',
    address: 'load_balancer.edge.pool["a"].member["web-1"]',
    spec: admin === null ? null : { admin, up: true, sessions: 0 },
  }) as RecordedResource;

const edit = (kind: RecordEdit['edit'], rest: Partial<RecordEdit> = {}): RecordEdit => ({
  at: at(20),
  actor,
  edit: kind,
  seen: [],
  ...rest,
});

/** Two runs, the second one's plan of the lineage of the first. */
async function deployed(prefix = 'lineage'): Promise<LocalState> {
  const state = openMemoryState(countingIds(prefix));
  await state.begin(switching([shop()]), actor, at(1));
  await state.append(1, { at: at(2), step: 's1' as StepId, mark: 'done', seen: [member('ready')] });
  await state.end(1, 'complete', at(3));
  await state.begin(planOf({ lineage: `${prefix}-1` }), actor, at(4));
  await state.append(2, { at: at(5), step: 's1' as StepId, mark: 'done', seen: [member('drain')] });
  await state.end(2, 'complete', at(6));
  return state;
}

const pull = async (state: LocalState) => JSON.parse(JSON.stringify(await documentOf(state)));

const refused = async (document: unknown): Promise<readonly string[]> => {
  try {
    await readDocument(typeof document === 'string' ? document : JSON.stringify(document), 'state.json');
    return [];
  } catch (error) {
    if (!(error instanceof AppFailure)) throw error;
    return error.diagnostics.map(({ code }) => code);
  }
};

test('a document gives back the state that it was made of', async () => {
  const state = await deployed();
  await state.edit(edit('remove', { seen: [member(null)] }));
  const copy = await readDocument(JSON.stringify(await documentOf(state)), 'state.json');
  await using again = await openCopy(copy, 'state.json');
  expect(JSON.stringify(await again.read())).toBe(JSON.stringify(await state.read()));
  expect(await again.planOf(2)).toEqual(await state.planOf(2));
  expect(await again.journal(1)).toEqual(await state.journal(1));
  expect(await again.edits()).toEqual(await state.edits());
});

test('a document that differs from what was recorded in anything is refused', async () => {
  const document = await pull(await deployed());
  const { journal, blobs } = document;
  const link = (place: number, change: object) => ({
    ...document,
    journal: journal.with(place, { ...journal[place], ...change }),
  });
  const [[name, bytes]] = Object.entries(blobs) as [[string, string]];
  const cases: Readonly<Record<string, readonly [unknown, string]>> = {
    'cut off': [JSON.stringify(document).slice(0, -9), 'state-document-invalid'],
    'something else': [{ hello: 'world' }, 'state-document-invalid'],
    'of a newer program': [{ ...document, format_version: '2.0' }, 'state-document-newer'],
    'without its journal': [{ ...document, journal: undefined }, 'state-document-incomplete'],
    'of no lineage': [{ ...document, lineage: '' }, 'state-document-incomplete'],
    'a link of another body': [link(1, { body: '{}' }), 'state-document-broken'],
    'a link whose body is no JSON': [link(1, { body: '{' }), 'state-document-broken'],
    'a link of another kind': [link(1, { kind: 'failed' }), 'state-document-broken'],
    'a link twice': [{ ...document, journal: [...journal, journal.at(-1)] }, 'state-document-broken'],
    'a link less in the middle': [{ ...document, journal: journal.toSpliced(2, 1) }, 'state-document-broken'],
    'the newest link less': [{ ...document, journal: journal.slice(0, -1) }, 'state-document-edited'],
    'of another lineage': [{ ...document, lineage: 'another' }, 'state-document-broken'],
    'a plan less': [{ ...document, blobs: {} }, 'state-document-broken'],
    'a plan of other bytes': [
      { ...document, blobs: { ...blobs, [name]: `AAAA${bytes}` } },
      'state-document-broken',
    ],
    'resources edited': [{ ...document, resources: [member('ready')] }, 'state-document-edited'],
    'a deployment less': [{ ...document, deployments: [] }, 'state-document-edited'],
    'another serial': [{ ...document, serial: 99 }, 'state-document-edited'],
  };
  expect(await refused(document)).toEqual([]);
  for (const [what, [changed, code]] of Object.entries(cases)) {
    expect({ what, codes: await refused(changed) }).toEqual({ what, codes: [code] });
  }
});

describe('what may take the place of what', () => {
  test('what goes on from here may, what is behind or beside it may not', async () => {
    const state = await deployed();
    const before = await state.copy();
    await state.edit(edit('remove', { seen: [member(null)] }));
    const after = await state.copy();
    expect(compare(before, after)).toEqual({ is: 'ahead' });
    expect(compare(after, after)).toEqual({ is: 'same' });
    expect(compare(after, before)).toMatchObject({ is: 'refused', why: { code: 'state-older' } });

    await using other = await openCopy(before, 'elsewhere');
    await other.edit(edit('import', { seen: [member('ready')] }));
    expect(compare(after, await other.copy())).toMatchObject({ why: { code: 'state-diverged' } });
    expect(compare(after, await (await deployed('other')).copy())).toMatchObject({
      why: { code: 'state-other-lineage' },
    });
    expect(compare(await openMemoryState(countingIds('new')).copy(), before)).toEqual({ is: 'ahead' });
  });

  test('a push or a move by itself adds nothing that could be lost', async () => {
    const state = await deployed();
    const before = await state.copy();
    await using elsewhere = await openCopy(before, 'elsewhere');
    await elsewhere.replace(before, edit('push', { from: 'state.json' }));
    expect(await elsewhere.verify()).toBe(before.links.length + 1);
    expect(compare(await elsewhere.copy(), before)).toEqual({ is: 'same' });
    await state.edit(edit('remove', { seen: [member(null)] }));
    expect(compare(await elsewhere.copy(), await state.copy())).toEqual({ is: 'ahead' });
  });

  test('a copy that does not verify changes nothing', async () => {
    const state = await deployed();
    const copy = await state.copy();
    const torn = { ...copy, links: copy.links.slice(1) };
    await expect(state.replace(torn, edit('push'))).rejects.toMatchObject({
      diagnostic: { code: 'state-corrupted' },
    });
    expect(await state.copy()).toEqual(copy);
  });

  test('nothing is changed by hand while a run is unfinished', async () => {
    const state = await deployed();
    await state.begin(planOf({ lineage: 'lineage-1' }), actor, at(7));
    await expect(state.edit(edit('remove'))).rejects.toMatchObject({
      diagnostic: { code: 'run-unfinished' },
    });
  });
});
