/** Updates of a zone (RFC 2136): what must hold, and what is done, all of it or nothing. */
import { encodeMessage, type WireRecord } from './message.ts';
import { encodeRdata } from './rdata.ts';
import { classes, opcodes, types } from './types.ts';

/** What must hold for anything to be done (section 2.4). TTLs are in none of them: the protocol has no way to ask. */
export type Requirement =
  /** Exactly these values; more or fewer do not do. */
  | {
      readonly holds: 'values';
      readonly name: string;
      readonly type: number;
      readonly rdatas: readonly Uint8Array[];
    }
  | { readonly holds: 'absent'; readonly name: string; readonly type: number };

/** What is done (section 2.5), in the order given. */
export type Edit =
  | { readonly edit: 'delete'; readonly name: string; readonly type: number }
  /** One value of a set. */
  | { readonly edit: 'remove'; readonly name: string; readonly type: number; readonly rdata: Uint8Array }
  | {
      readonly edit: 'add';
      readonly name: string;
      readonly type: number;
      readonly ttlSeconds: number;
      readonly rdata: Uint8Array;
    };

export interface Update {
  readonly zone: string;
  readonly requirements: readonly Requirement[];
  readonly edits: readonly Edit[];
}

/** A set as it is to be; null: there is to be none. */
export interface WantedSet {
  readonly name: string;
  readonly type: number;
  readonly set: { readonly ttlSeconds: number; readonly values: readonly string[] } | null;
}

/**
 * Whole sets, replaced. All deletions come first: a server works in order, "add, then delete" can leave nothing, and a
 * CNAME is ignored as long as something else is at its name.
 */
export const replaceSets = (sets: readonly WantedSet[]): readonly Edit[] => [
  ...sets.map(({ name, type }): Edit => ({ edit: 'delete', name, type })),
  ...sets.flatMap(({ name, type, set }) =>
    (set?.values ?? []).map(
      (value): Edit => ({
        edit: 'add',
        name,
        type,
        ttlSeconds: set?.ttlSeconds ?? 0,
        rdata: encodeRdata(type, value),
      }),
    ),
  ),
];

/** The set as it must be found; null: there must be none. */
export const requireSet = (name: string, type: number, values: readonly string[] | null): Requirement =>
  values === null
    ? { holds: 'absent', name, type }
    : { holds: 'values', name, type, rdatas: values.map((value) => encodeRdata(type, value)) };

const empty = new Uint8Array(0);

function requirementRecords(requirement: Requirement): readonly WireRecord[] {
  const { name, type } = requirement;
  return requirement.holds === 'absent'
    ? [{ name, type, class: classes.NONE, ttl: 0, rdata: empty }]
    : requirement.rdatas.map((rdata) => ({ name, type, class: classes.IN, ttl: 0, rdata }));
}

function editRecord(edit: Edit): WireRecord {
  const { name, type } = edit;
  switch (edit.edit) {
    case 'delete':
      return { name, type, class: classes.ANY, ttl: 0, rdata: empty };
    case 'remove':
      return { name, type, class: classes.NONE, ttl: 0, rdata: edit.rdata };
    case 'add':
      return { name, type, class: classes.IN, ttl: edit.ttlSeconds, rdata: edit.rdata };
  }
}

/** The message, unsigned. */
export const encodeUpdate = (id: number, { zone, requirements, edits }: Update): Uint8Array =>
  encodeMessage({
    id,
    opcode: opcodes.UPDATE,
    questions: [{ name: zone, type: types.SOA, class: classes.IN }],
    answers: requirements.flatMap(requirementRecords),
    authority: edits.map(editRecord),
  });
