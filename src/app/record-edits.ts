/** Changes of the record that no run makes: forgetting, and taking what stands in the world. No host is changed. */
import { nearestName } from '../hcl/eval/suggestion.ts';
import {
  type Address,
  type Diagnostic,
  isWithin,
  type Observation,
  type Plan,
  type RecordEdit,
  type Recorded,
  type RecordedResource,
  withMemories,
} from '../model/index.ts';
import { isAsRecorded } from '../planner/drift.ts';
import type { LocalState } from '../state/local/store.ts';
import type { AppContext } from './context.ts';
import { AppFailure } from './failure.ts';
import type { Loaded } from './load.ts';
import { type Reach, reach } from './reach.ts';
import { actorOf, openForWriting } from './state.ts';

/** What is recorded at an address and below it. Throws an `AppFailure` where that is nothing. */
export function recordedWithin(recorded: Recorded, address: string): readonly RecordedResource[] {
  const known = recorded.resources.filter(({ spec }) => spec !== null);
  const found = known.filter((each) => isWithin(each.address, address));
  if (found.length === 0) {
    throw new AppFailure([
      notThere(
        {
          code: 'not-recorded',
          summary: 'Nothing is recorded under this address',
          detail: `${address} is not in the recorded state, and nothing below it is.`,
          all: 'See what is:  deployctl state list ENV',
        },
        address,
        known.map((each) => each.address),
      ),
    ]);
  }
  return found;
}

/** Forgets them. The caller holds the lock. */
export function forget(
  store: LocalState,
  resources: readonly RecordedResource[],
  cx: AppContext,
): Promise<void> {
  const seen = resources.map(({ kind, address }) => ({ kind, address, spec: null }) as RecordedResource);
  return store.edit(editOf('remove', seen, cx));
}

/** What an import does to the record at one address. */
export interface Imported {
  readonly address: Address;
  readonly action: 'create' | 'update' | 'keep';
  readonly resource: RecordedResource;
}

/**
 * Looks at what stands at the address and below it. Throws an `AppFailure` where nothing is declared there, where
 * something could not be seen, and where nothing stands: then nothing can be recorded.
 */
export async function observeForImport(
  { declared }: Loaded,
  recorded: Recorded,
  address: string,
  cx: AppContext,
): Promise<readonly Imported[]> {
  await using world = await reach(declared, recorded.lineage, cx);
  const { observations } = await world.observe(new AbortController().signal);
  const asked = observations.filter((each) => isWithin(each.address, address));
  if (asked.length === 0) {
    const all = observations.map((each) => each.address as string);
    const services = declared.services.map((service) => service.address as string);
    throw new AppFailure([
      notThere(
        {
          code: 'not-declared',
          summary: 'Nothing is declared under this address',
          detail: `${address} is nothing that the configuration declares on a host, a load balancer or in a DNS zone; deployctl looks only at what is declared.`,
          all: `There are, with all that is below them: ${[...services, ...declared.balancers.map((each) => each.address), ...declared.zones.map((each) => each.address)].join(', ')}.`,
        },
        address,
        [...services, ...all],
      ),
    ]);
  }
  refuseUnseen(asked);
  const present = asked.flatMap((each) => (each.status === 'present' ? [each] : []));
  if (present.length === 0) throw new AppFailure([nothingStands(address, asked)]);
  const before = new Map(recorded.resources.map((each) => [each.address, each]));
  return present.map((seen) => {
    const { kind, address: at, spec } = seen;
    const known = before.get(at);
    const isNew = known === undefined || known.spec === null;
    const action = isNew ? 'create' : isAsRecorded(known, seen) ? 'keep' : 'update';
    const resource = { kind, address: at, spec } as RecordedResource;
    const [remembering = resource] = withMemories([resource], { at: cx.clock.now(), recorded: before });
    return { address: at, action, resource: remembering };
  });
}

/** Records them. The caller holds the lock. */
export function recordImported(
  store: LocalState,
  imported: readonly Imported[],
  cx: AppContext,
): Promise<void> {
  const changed = imported.filter(({ action }) => action !== 'keep');
  return store.edit(
    editOf(
      'import',
      changed.map(({ resource }) => resource),
      cx,
    ),
  );
}

/** Accepts the drift of a plan: what stands there now is recorded. The caller holds the lock. */
export async function recordDrift(plan: Plan, world: Reach, cx: AppContext): Promise<void> {
  const drifted = new Set<string>(plan.drift.map(({ address }) => address));
  const { observations } = await world.observe(new AbortController().signal);
  const there = observations.filter(({ address }) => drifted.has(address));
  refuseUnseen(there);
  const seen = there.flatMap((each) =>
    each.status === 'unknown'
      ? []
      : [
          {
            kind: each.kind,
            address: each.address,
            spec: each.status === 'absent' ? null : each.spec,
          } as RecordedResource,
        ],
  );
  await using store = await openForWriting(plan.declared.state);
  const { resources } = await store.read();
  const recorded = new Map(resources.map((each) => [each.address, each]));
  await store.edit(editOf('import', withMemories(seen, { at: cx.clock.now(), recorded }), cx));
}

const editOf = (edit: RecordEdit['edit'], seen: readonly RecordedResource[], cx: AppContext): RecordEdit => ({
  at: cx.clock.now(),
  actor: actorOf(cx),
  edit,
  seen,
});

/** Not seen is not gone: a part of the truth must not be recorded as the whole. */
function refuseUnseen(observations: readonly Observation[]): void {
  const reasons = new Map<string, Diagnostic>();
  for (const each of observations) {
    if (each.status === 'unknown') reasons.set(`${each.why.code} ${each.why.detail}`, each.why);
  }
  if (reasons.size === 0) return;
  throw new AppFailure([...reasons.values()].map((why) => ({ ...why, severity: 'error' as const })));
}

const nothingStands = (address: string, asked: readonly Observation[]): Diagnostic => ({
  code: 'nothing-to-import',
  severity: 'error',
  summary: 'Nothing stands there that can be recorded',
  detail: `${address}: ${asked.length === 1 ? 'it was' : `all ${asked.length} parts of it were`} looked at, and nothing is there. deployctl knows a release by its folder below releases/ with its mark, and by the symlink of its slot; what was installed in another way it cannot take over.`,
  hint: 'Nothing was recorded. Deploy it beside what is there:  deployctl plan ENV',
});

function notThere(
  said: {
    readonly code: string;
    readonly summary: string;
    readonly detail: string;
    readonly all: string;
  },
  address: string,
  known: readonly string[],
): Diagnostic {
  const near = nearestName(address, known);
  const { code, summary, detail, all } = said;
  return {
    code,
    severity: 'error',
    summary,
    detail,
    hint: near === undefined ? all : `Did you mean ${near}?`,
  };
}
