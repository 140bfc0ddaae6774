/** The probe's answer as values. Pure. Everything in it is remote text: what is malformed is told, never guessed. */
import { asSha256, type FileDrift, type Sha256 } from '../../model/index.ts';
import type { ProbeRoot } from './probe-render.ts';
import { type ProcessRecord, parseProcessRecord } from './process-record.ts';
import { systemdEnding } from './systemd-words.ts';

export interface SeenRelease {
  readonly directory: string;
  readonly sha256: Sha256;
  /** Counts up with each release that is installed below this root. */
  readonly order: number;
}

export interface SeenSlot {
  readonly slot: string;
  readonly unit: string;
  /** What the symlink names below `releases/`; null: there is no symlink. */
  readonly linked: string | null;
  /** Something that is no symlink stands in its place. */
  readonly obstacle: string | undefined;
  readonly process: SeenProcess | undefined;
}

export interface SeenProcess {
  /** Names one start: a new one is made with each. */
  readonly token: string;
  readonly kind: string;
  /** undefined: the record cannot be read, `unreadable` says why. */
  readonly record: ProcessRecord | undefined;
  readonly unreadable?: string;
  readonly alive: boolean;
  /** The folder that the main process stands in, where the service manager knows it. */
  readonly folder: string | undefined;
  readonly tampered: FileDrift | null;
  /** The service manager waits to start it again, or has given up: how it ended, as a clause. undefined: neither. */
  readonly ended: string | undefined;
}

export interface SeenRoot {
  readonly root: string;
  /** undefined: the host could not say. */
  readonly freeBytes: number | undefined;
  readonly fence: { readonly lineage: string; readonly run: number } | undefined;
  /** Oldest first. */
  readonly releases: readonly SeenRelease[];
  readonly slots: readonly SeenSlot[];
}

export interface SeenHost {
  /** Seconds since the epoch by the host's clock. */
  readonly time: number;
  readonly roots: readonly SeenRoot[];
}

/** undefined: the answer is not whole. */
export function parseProbe(roots: readonly ProbeRoot[], answer: string): SeenHost | undefined {
  const records = new Map<string, string[]>();
  let ended = false;
  let time = 0;
  const lines = answer.split('\n');
  const free = parseDf(lines, roots.length);
  for (const line of lines) {
    if (line === 'end') ended = true;
    const match = /^(\S+) (\d+)(?: (.*))?$/s.exec(line);
    if (match === null) continue;
    const [, tag = '', number = '', rest = ''] = match;
    if (tag === 'time') time = Number(number);
    const key = `${tag} ${number}`;
    const known = records.get(key);
    if (known === undefined) records.set(key, [rest]);
    else known.push(rest);
  }
  if (!ended) return undefined;

  const all = (tag: string, number: number): readonly string[] => records.get(`${tag} ${number}`) ?? [];
  let slotNumber = 0;
  return {
    time,
    roots: roots.map((root, rootNumber) => ({
      root: root.root,
      freeBytes: free[rootNumber],
      fence: parseFence(all('fence', rootNumber)[0]),
      releases: all('release', rootNumber)
        .flatMap(parseRelease)
        .sort((a, b) => a.order - b.order || (a.directory < b.directory ? -1 : 1)),
      slots: root.slots.map((slot) => {
        const number = slotNumber;
        slotNumber += 1;
        return parseSlot(root.root, slot.slot, slot.unit, (tag) => all(tag, number));
      }),
    })),
  };
}

/**
 * Bytes, behind the line `free`: a header, and a line for each folder that was asked about (POSIX, df -P). Where one of
 * them is missing, nobody can tell which: then there are none.
 */
function parseDf(lines: readonly string[], count: number): readonly number[] {
  const header = lines.indexOf('free') + 1;
  const rows = lines.slice(header + 1, header + 1 + count);
  const blocks = rows.map((row) => /^.*\S\s+\d+\s+\d+\s+(-?\d+)\s+\S+\s+\//.exec(row)?.[1]);
  if (header === 0 || rows.length < count || blocks.includes(undefined)) return [];
  // Of 1024 bytes. Where root has begun with what is kept for it, less than nothing is left for others.
  return blocks.map((free) => Math.max(0, Number(free)) * 1024);
}

function parseFence(line: string | undefined): SeenRoot['fence'] {
  const match = /^(\S+) (\d+)$/.exec(line ?? '');
  return match === null ? undefined : { lineage: match[1] ?? '', run: Number(match[2]) };
}

/** `<sha256> <bytes> <order> <time> <directory>` */
function parseRelease(line: string): SeenRelease[] {
  const match = /^([0-9a-f]{64}) \d+ (\d+) \d+ (.+)$/.exec(line);
  return match === null
    ? []
    : [{ sha256: asSha256(match[1] ?? ''), order: Number(match[2]), directory: match[3] ?? '' }];
}

function parseSlot(
  root: string,
  slot: string,
  unit: string,
  all: (tag: string) => readonly string[],
): SeenSlot {
  const link = all('link')[0];
  const started = /^(\S+) (\S+)$/.exec(all('started')[0] ?? '');
  let process: SeenProcess | undefined;
  if (started !== null) {
    const parsed = parseProcessRecord(all('record')[0] ?? '');
    const path = all('unit-file')[0];
    process = {
      token: started[1] ?? '',
      kind: started[2] ?? '',
      record: parsed.ok ? parsed.record : undefined,
      ...(parsed.ok ? {} : { unreadable: parsed.why }),
      alive: all('alive').length > 0,
      folder: all('folder')[0],
      tampered:
        path === undefined
          ? null
          : { path, expected: all('expected').join('\n'), actual: all('actual').join('\n') },
      ended: parseEnded(all('ended')[0]),
    };
  }
  return {
    slot,
    unit,
    linked: link === undefined ? null : releaseOfLink(root, link),
    obstacle: all('obstacle')[0],
    process,
  };
}

/** `<ActiveState> <NRestarts> <Result> <ExecMainStatus>` */
function parseEnded(line: string | undefined): string | undefined {
  const match = /^(\S+) (\d+) (\S+) (\d*)$/.exec(line ?? '');
  if (match === null) return undefined;
  const [, active, restarts = '0', result = '', status = ''] = match;
  const how = systemdEnding(result, status);
  if (active === 'failed') return `systemd has given up on it: ${how}`;
  return `it crashes: ${how}, and was started again ${restarts === '1' ? 'once' : `${restarts} times`}`;
}

/** The release's folder of a link that we make (`releases/x`), the whole target of one that somebody else made. */
function releaseOfLink(root: string, target: string): string {
  const trimmed = target.replace(/\/+$/, '');
  for (const before of ['releases/', `${root}/releases/`]) {
    if (trimmed.startsWith(before) && !trimmed.slice(before.length).includes('/')) {
      return trimmed.slice(before.length);
    }
  }
  return target;
}

/** The release that a process stands in, if it stands in one. */
export function releaseOfFolder(root: string, folder: string | undefined): string | undefined {
  const below = `${root}/releases/`;
  if (folder === undefined || !folder.startsWith(below)) return undefined;
  const [directory] = folder.slice(below.length).split('/');
  return directory === '' ? undefined : directory;
}
