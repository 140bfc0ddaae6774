/** The blocks of a plan that say what differs: changes with their reasons, and drift. */
import type { Action, Address, Change, Drift, Json, SourceRange } from '../model/index.ts';
import { hostNames } from './hosts-text.ts';
import { columns, hang, wrap } from './layout.ts';
import type { ChangeMark, Paint } from './paint.ts';
import { counted, listText } from './time-text.ts';
import { type DiffLine, differingPaths, diffValues } from './value-diff.ts';

const markOf: Readonly<Record<Action, ChangeMark>> = {
  create: '+',
  update: '~',
  replace: '-/+',
  remove: '-',
};

const fateOf: Readonly<Record<Action, string>> = {
  create: 'will be created',
  update: 'will be updated in place',
  replace: 'must be replaced',
  remove: 'will be removed',
};

const legendOf: Readonly<Record<Action, string>> = {
  create: '+ create',
  update: '~ update in place',
  replace: '-/+ replace',
  remove: '- remove',
};

/** `  + create   ~ update in place`: the symbols that the plan uses, in Terraform's order; empty for none. */
export function legendText(changes: readonly Change[], paint: Paint): string {
  const used = (['create', 'update', 'replace', 'remove'] as const).filter((action) =>
    changes.some((change) => change.action === action),
  );
  const entries = used.map((action) => {
    const text = legendOf[action];
    const mark = markOf[action];
    return paint.symbol(mark) + text.slice(mark.length);
  });
  return entries.length === 0 ? '' : `  ${entries.join('   ')}`;
}

/** More blocks than this of the same kind become one, with one host as the example. */
const mostBlocks = 3;

interface Entry {
  readonly action: Action;
  readonly address: Address;
  readonly because: string | undefined;
  readonly origin: SourceRange | undefined;
  readonly before: Json;
  readonly after: Json;
}

/** Changes that say the same about several hosts (or several members of a pool). */
interface Group {
  readonly entries: readonly [Entry, ...Entry[]];
  readonly body: readonly DiffLine[];
  /** What differs from host to host, when the first one stands for all. */
  readonly differing: readonly string[];
}

const memberPattern = /^(.*)\.(?:host|member)\["((?:[^"\\]|\\.)*)"\]$/;

/** The address without the host at its end, and that host. */
function splitAddress(address: Address): { readonly family: string; readonly host: string | undefined } {
  const match = memberPattern.exec(address);
  return match === null
    ? { family: address, host: undefined }
    : { family: match[1] ?? '', host: match[2] ?? '' };
}

function groupEntries(entries: readonly Entry[]): readonly Group[] {
  const families = Map.groupBy(entries, ({ action, address, because, origin }) => {
    const { family, host } = splitAddress(address);
    return JSON.stringify([action, family, host === undefined, because, origin?.file, origin?.start.line]);
  });
  return [...families.values()].flatMap((family) => {
    const withBodies = family.map((entry) => ({ entry, body: diffValues(entry.before, entry.after) }));
    const alike = [...Map.groupBy(withBodies, ({ body }) => JSON.stringify(body)).values()];
    if (alike.length <= mostBlocks) {
      return alike.map((same) => group(same.map(({ entry }) => entry)));
    }
    return [group(family)];
  });
}

function group(entries: readonly Entry[]): Group {
  const [first, ...rest] = entries;
  if (first === undefined) throw new Error('a group of changes is never empty');
  const differing = new Set(
    rest.flatMap((entry) => [
      ...differingPaths(first.before, entry.before),
      ...differingPaths(first.after, entry.after),
    ]),
  );
  const body = diffValues(first.before, first.after);
  const isShown = rest.some(
    (entry) => JSON.stringify(diffValues(entry.before, entry.after)) !== JSON.stringify(body),
  );
  return { entries: [first, ...rest], body, differing: isShown ? [...differing] : [] };
}

const entryOf = (change: Change): Entry => ({
  action: change.action,
  address: change.address,
  because: change.because,
  origin: change.origin,
  before: change.before,
  after: change.after,
});

/** Where it is declared, as one would type it: `prod/release.hcl:3`. */
export const placeText = (origin: SourceRange | undefined): string =>
  origin === undefined ? '' : `${origin.file}:${origin.start.line}`;

const becauseText = (entry: Entry): string => {
  const place = placeText(entry.origin);
  if (entry.because === undefined || entry.because === '') return place;
  return `because ${entry.because}${place === '' ? '' : `, ${place}`}`;
};

/** Every change as a block, blocks apart by one empty line; changes that are alike on several hosts share one. */
export function changeBlocks(changes: readonly Change[], paint: Paint, width: number): readonly string[] {
  return groupEntries(changes.map(entryOf)).flatMap((each, at) => {
    const [first] = each.entries;
    const title = `${subject(each)} ${fateOf[first.action]}`;
    const because = becauseText(first);
    return [
      ...(at === 0 ? [] : ['']),
      ...hang('  # ', title, width).map(paint.bold),
      ...(because === '' ? [] : hang('  # ', `(${because})`, width).map(paint.dim)),
      ...block(each, paint, width),
    ];
  });
}

/** `service.shop.slot["green"] on web-1, web-2 and web-3`. */
function subject({ entries }: Group): string {
  const [first, ...rest] = entries;
  if (rest.length === 0) return first.address;
  const hosts = entries.map(({ address }) => splitAddress(address).host ?? address);
  const count = hosts.length > mostBlocks ? ` (${counted(hosts.length, 'host')})` : '';
  return `${splitAddress(first.address).family} on ${hostNames(hosts)}${count}`;
}

function block(each: Group, paint: Paint, width: number): readonly string[] {
  const [first, ...rest] = each.entries;
  const mark = markOf[first.action];
  const name = rest.length === 0 ? first.address : splitAddress(first.address).family;
  const open = each.body.length === 0 && each.differing.length === 0 ? '' : ' {';
  const lines = wrap(name + open, width - 4).map((text, at) =>
    at === 0 ? `${paint.symbol(mark, mark.padStart(3))} ${text}` : `    ${text}`,
  );
  if (open === '') return lines;
  return [
    ...lines,
    ...diffText(each.body, paint, width),
    ...differingText(each).flatMap((text) => hang('        # ', text, width).map(paint.dim)),
    '    }',
  ];
}

function differingText({ entries, differing }: Group): readonly string[] {
  if (differing.length === 0) return [];
  const host = splitAddress(entries[0].address).host ?? '';
  const shown = differing.slice(0, 4);
  const more = differing.length - shown.length;
  const names = more === 0 ? listText(shown) : `${shown.join(', ')} and ${more} more`;
  return [`(shown for ${host}; on the other ${entries.length - 1} these have other values: ${names})`];
}

/** Lines of a difference, marked, indented, and broken where they are too long. */
export function diffText(lines: readonly DiffLine[], paint: Paint, width: number): readonly string[] {
  return lines.flatMap(({ depth, mark, text, becomes, quiet }) => {
    const indent = ' '.repeat(4 * depth);
    const room = Math.max(8, width - indent.length - 4);
    const one = becomes === undefined ? text : `${text} ${becomes}`;
    const rows =
      becomes === undefined || columns(one) <= room
        ? wrapHanging(one, room)
        : [...wrapHanging(text, room), ...wrapHanging(becomes, room - 4).map((row) => `    ${row}`)];
    return rows.map((row, at) => {
      const shown = quiet === true ? paint.dim(row) : paintArrow(row, paint);
      return `${indent}  ${at === 0 ? paint.symbol(mark) : ' '} ${shown}`;
    });
  });
}

function wrapHanging(text: string, room: number): readonly string[] {
  if (columns(text) <= room) return [text];
  const [first = '', ...rest] = wrap(text, room);
  return rest.length === 0
    ? [first]
    : [first, ...wrap(text.slice(first.length).trimStart(), room - 4).map((row) => `    ${row}`)];
}

const paintArrow = (row: string, paint: Paint): string =>
  paint.color ? row.replace(/ -> |^( *)-> /, (arrow) => paint.yellow(arrow)) : row;

/** Drift as blocks: what it was when deployctl last looked, and what it is now. */
export const driftBlocks = (drift: readonly Drift[], paint: Paint, width: number): readonly string[] =>
  differenceBlocks(drift, driftVerb, paint, width);

/** The same for any two values of each address, with the words that say what became of it. */
export function differenceBlocks(
  differences: readonly Drift[],
  verbs: Readonly<Record<Action, string>>,
  paint: Paint,
  width: number,
): readonly string[] {
  const entries = differences.map(
    (each): Entry => ({
      action: each.before === null ? 'create' : each.after === null ? 'remove' : 'update',
      address: each.address,
      because: each.note,
      origin: undefined,
      before: each.before,
      after: each.after,
    }),
  );
  return groupEntries(entries).flatMap((each, at) => [
    ...(at === 0 ? [] : ['']),
    ...hang('  # ', `${subject(each)} ${verbs[each.entries[0].action]}`, width).map(paint.bold),
    ...(each.entries[0].because === undefined
      ? []
      : hang('  # ', `(${each.entries[0].because})`, width).map(paint.dim)),
    ...block(each, paint, width),
  ]);
}

const driftVerb: Readonly<Record<Action, string>> = {
  create: 'has appeared',
  update: 'has changed',
  replace: 'has changed',
  remove: 'is gone',
};

export interface ChangeRow {
  readonly mark: ChangeMark;
  /** `service.shop.slot["green"] on web-1, web-2 and web-3`. */
  readonly subject: string;
  /** `because release.shop is 2.0.0, prod/release.hcl:3`; empty where no reason is known. */
  readonly because: string;
}

/** One for each change; those that are alike on several hosts share one. */
export const changeRows = (changes: readonly Change[]): readonly ChangeRow[] =>
  groupEntries(changes.map(entryOf)).map((each) => {
    const [first] = each.entries;
    return { mark: markOf[first.action], subject: subject(each), because: becauseText(first) };
  });

/** One line for each change: its symbol, its address, and its reason. */
export const changeLines = (changes: readonly Change[], paint: Paint, width: number): readonly string[] =>
  changeRows(changes).flatMap(({ mark, subject, because }) =>
    wrap(`${subject}${because === '' ? '' : `  (${because})`}`, width - 4).map((row, at) =>
      at === 0 ? `${paint.symbol(mark, mark.padStart(3))} ${row}` : `    ${row}`,
    ),
  );
