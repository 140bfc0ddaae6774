/**
 * The fence: a TXT record `_deployctl.<zone>` with a generation, required by value and raised in every update. An
 * update whose reply was lost may still arrive minutes later (RFC 8945 allows a signature 300 s); once the generation
 * was raised behind it, it never does anything. It also lets an older run of the same state find out that it is one.
 */
import { txtValue } from '../../dns/rdata.ts';
import { types } from '../../dns/types.ts';
import { type Edit, type Requirement, replaceSets, requireSet } from '../../dns/update.ts';
import type { Context, RecordSet, ZoneDeclared } from '../../model/index.ts';

export interface Fence {
  readonly generation: number;
  readonly lineage: string;
  readonly run: number;
}

export const fenceName = (zone: ZoneDeclared): string => `_deployctl.${zone.zone === '.' ? '' : zone.zone}`;

/** undefined: nobody has written one yet, or somebody else's text stands there. */
export function readFence(set: RecordSet | null): Fence | undefined {
  const match = /^"gen=(\d{1,15}) lineage=(\S*) run=(\d{1,15})"$/.exec(set?.values[0] ?? '');
  if (match === null || set?.values.length !== 1) return undefined;
  return { generation: Number(match[1]), lineage: match[2] ?? '', run: Number(match[3]) };
}

/** Resolvers have no business with it. */
const ttlSeconds = 0;

export function raiseFence(
  zone: ZoneDeclared,
  set: RecordSet | null,
  by: Context['fence'],
): { readonly requirement: Requirement; readonly edits: readonly Edit[] } {
  const generation = (readFence(set)?.generation ?? 0) + 1;
  const text = `gen=${generation} lineage=${by.lineage} run=${by.run}`;
  const name = fenceName(zone);
  return {
    requirement: requireSet(name, types.TXT, set?.values ?? null),
    edits: replaceSets([{ name, type: types.TXT, set: { ttlSeconds, values: [txtValue(text)] } }]),
  };
}
