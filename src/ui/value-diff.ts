/**
 * What differs between two JSON values, as lines in Terraform's notation: `+ name = value`, `~ name = a -> b`,
 * nested blocks, `# (n unchanged hidden)`. Pure, and without widths and colours: changes-text.ts adds those.
 */
import { diffArrays } from 'diff';
import type { Json } from '../model/index.ts';

export type DiffMark = '+' | '~' | '-' | ' ';

export interface DiffLine {
  /** 1 for the attributes of a change, one more for each bracket around them. */
  readonly depth: number;
  readonly mark: DiffMark;
  readonly text: string;
  /** The value after `->`: goes to a line of its own when both do not fit on one. */
  readonly becomes?: string;
  /** A comment. */
  readonly quiet?: true;
}

/** Unchanged lines of a long text that stay visible around a changed one. */
const contextLines = 2;
/**
 * Texts and lists that differ in more than this many places are taken for unlike as a whole: finding the least
 * difference takes quadratic time, half a minute for two lists of 4,000 hosts that have nothing in common.
 */
const mostEdits = 1000;

type Container = Readonly<Record<string, Json>>;

const isObject = (value: Json | undefined): value is Container =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

const isMissing = (value: Json | undefined): value is null | undefined =>
  value === undefined || value === null;

const isLongText = (value: Json | undefined): value is string =>
  typeof value === 'string' && value.trimEnd().includes('\n');

/** Equal as JSON, whatever the order of keys. */
export function isSame(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right || (isMissing(left) && isMissing(right))) return true;
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, at) => isSame(item, right[at]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => isSame(left[key], right[key]));
}

/** The lines between the brackets of a change: nothing for equal values. */
export function diffValues(
  before: Json | undefined,
  after: Json | undefined,
  depth = 1,
): readonly DiffLine[] {
  if (isObject(before) && isObject(after)) return diffObjects(before, after, depth);
  if (isMissing(before) && isObject(after)) return diffObjects({}, after, depth);
  if (isObject(before) && isMissing(after)) return diffObjects(before, {}, depth);
  return isSame(before, after) ? [] : diffEntry('', before, after, depth);
}

function diffObjects(before: Container, after: Container, depth: number): readonly DiffLine[] {
  const keys = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  const changed = keys.filter((key) => !isSame(before[key], after[key]));
  const longest = Math.max(0, ...changed.map((key) => keyText(key).length));
  const lines = changed.flatMap((key) =>
    diffEntry(`${keyText(key).padEnd(longest)} = `, before[key], after[key], depth),
  );
  return [...lines, ...hidden(keys.length - changed.length, depth)];
}

const keyText = (key: string): string => (/^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key));

function hidden(count: number, depth: number, what = 'unchanged'): readonly DiffLine[] {
  return count === 0 ? [] : [{ depth, mark: ' ', text: `# (${count} ${what} hidden)`, quiet: true }];
}

/** One attribute; `name` ends in ` = `, or is empty for the items of a list. */
function diffEntry(
  name: string,
  before: Json | undefined,
  after: Json | undefined,
  depth: number,
): readonly DiffLine[] {
  if (isMissing(before)) return whole('+', name, after ?? null, depth);
  if (isMissing(after)) return whole('-', name, before, depth);
  if (isObject(before) && isObject(after)) {
    return [
      { depth, mark: '~', text: `${name}{` },
      ...diffObjects(before, after, depth + 1),
      { depth, mark: ' ', text: '}' },
    ];
  }
  if (isList(before) && isList(after)) {
    return [
      { depth, mark: '~', text: `${name}[` },
      ...diffLists(before, after, depth + 1),
      { depth, mark: ' ', text: ']' },
    ];
  }
  if (typeof before === 'string' && typeof after === 'string' && (isLongText(before) || isLongText(after))) {
    return [
      { depth, mark: '~', text: `${name}<<-EOT` },
      ...diffTexts(before, after, depth + 1),
      { depth, mark: ' ', text: 'EOT' },
    ];
  }
  if (isScalar(before) && isScalar(after)) {
    return [
      { depth, mark: '~', text: name + JSON.stringify(before), becomes: `-> ${JSON.stringify(after)}` },
    ];
  }
  return [...whole('-', name, before, depth), ...whole('+', name, after, depth)];
}

const isScalar = (value: Json): boolean => typeof value !== 'object' && !isLongText(value);

/** A value that was not there before, or is not any more. */
function whole(mark: '+' | '-', name: string, value: Json, depth: number): readonly DiffLine[] {
  const close = (text: string): DiffLine => ({ depth, mark: ' ', text });
  if (isLongText(value)) {
    const lines = value.replace(/\n$/, '').split('\n');
    return [
      { depth, mark, text: `${name}<<-EOT` },
      ...lines.map((text): DiffLine => ({ depth: depth + 1, mark, text })),
      close('EOT'),
    ];
  }
  if (isList(value) && value.length > 0) {
    return [
      { depth, mark, text: `${name}[` },
      ...value.flatMap((item) => whole(mark, '', item, depth + 1)),
      close(']'),
    ];
  }
  if (isObject(value) && Object.keys(value).length > 0) {
    const shown = Object.entries(value).filter(([, each]) => !isMissing(each));
    const longest = Math.max(0, ...shown.map(([key]) => keyText(key).length));
    return [
      { depth, mark, text: `${name}{` },
      ...shown.flatMap(([key, each]) => whole(mark, `${keyText(key).padEnd(longest)} = `, each, depth + 1)),
      close('}'),
    ];
  }
  return [{ depth, mark, text: name + JSON.stringify(value) }];
}

function diffLists(before: readonly Json[], after: readonly Json[], depth: number): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let unchanged = 0;
  const flush = (): void => {
    lines.push(...hidden(unchanged, depth));
    unchanged = 0;
  };
  const parts = diffArrays([...before], [...after], { comparator: isSame, maxEditLength: mostEdits }) ?? [
    { value: [...before], removed: true, added: false },
    { value: [...after], removed: false, added: true },
  ];
  let paired = false;
  for (const [at, part] of parts.entries()) {
    if (paired) {
      paired = false;
      continue;
    }
    if (!part.added && !part.removed) {
      unchanged += part.value.length;
      continue;
    }
    flush();
    const next = parts[at + 1];
    if (part.removed && next?.added && part.value.length === next.value.length) {
      // As many came as went: the items changed, so each is shown beside what it was.
      lines.push(...part.value.flatMap((value, item) => diffEntry('', value, next.value[item], depth)));
      paired = true;
    } else {
      lines.push(...part.value.flatMap((item) => whole(part.added ? '+' : '-', '', item, depth)));
    }
  }
  flush();
  return lines;
}

function diffTexts(before: string, after: string, depth: number): readonly DiffLine[] {
  const old = before.replace(/\n$/, '').split('\n');
  const fresh = after.replace(/\n$/, '').split('\n');
  const parts = diffArrays(old, fresh, { maxEditLength: mostEdits }) ?? [
    { value: old, removed: true, added: false },
    { value: fresh, removed: false, added: true },
  ];
  const line =
    (mark: DiffMark) =>
    (text: string): DiffLine => ({ depth, mark, text });
  const lines = parts.flatMap((part, at) => {
    if (part.added || part.removed) return part.value.map(line(part.added ? '+' : '-'));
    const head = at === 0 ? 0 : contextLines;
    const tail = at === parts.length - 1 ? 0 : contextLines;
    const cut = part.value.length - head - tail;
    if (cut <= 1) return part.value.map(line(' '));
    return [
      ...part.value.slice(0, head).map(line(' ')),
      ...hidden(cut, depth, 'unchanged lines'),
      ...part.value.slice(part.value.length - tail || part.value.length).map(line(' ')),
    ];
  });
  if (lines.some(({ mark }) => mark !== ' ')) return lines;
  return [{ depth, mark: '~', text: '# (only the line end at the end of the text)', quiet: true }];
}

/** Paths of everything that differs, `environment.PORT`, `command[2]`; a value that differs whole is one path. */
export function differingPaths(
  left: Json | undefined,
  right: Json | undefined,
  path = '',
): readonly string[] {
  if (isSame(left, right)) return [];
  if (isObject(left) && isObject(right)) {
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return keys.flatMap((key) =>
      differingPaths(left[key], right[key], path === '' ? keyText(key) : `${path}.${keyText(key)}`),
    );
  }
  if (isList(left) && isList(right) && left.length === right.length) {
    return left.flatMap((item, at) => differingPaths(item, right[at], `${path}[${at}]`));
  }
  return [path === '' ? 'value' : path];
}
