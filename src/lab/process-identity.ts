/** Processes by more than their number, which the system gives to another one some day. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it was started, in the words of this system; never to be compared across machines or boots. */
  readonly started: string;
}

/** Undefined: there is no such process, or it has ended and only waits to be forgotten. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

/** It still runs, and it is the same one. */
export const isAlive = ({ pid, started }: ProcessIdentity): boolean => identify(pid)?.started === started;

/** Sends a signal to exactly this process, or to the group that it leads; false: it is gone. */
function signal({ pid, started, leads }: Endable, name: 'SIGTERM' | 'SIGKILL'): boolean {
  if (!isAlive({ pid, started })) return false;
  try {
    process.kill(leads === true ? -pid : pid, name);
    return true;
  } catch {
    return false;
  }
}

export interface Endable extends ProcessIdentity {
  /** It leads a process group, and the whole group is meant. */
  readonly leads?: boolean;
}

/** Ends it: SIGTERM, and SIGKILL where it is still there after `withinMs`. Resolves when it is gone. */
export async function end(identity: Endable, withinMs: number): Promise<void> {
  if (!signal(identity, 'SIGTERM')) return;
  const deadline = performance.now() + withinMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) signal(identity, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** proc(5) stat: the 22nd field is the start time in ticks since boot; the state Z means that it has ended. */
function startedOnLinux(pid: number): string | undefined {
  try {
    const fields = statFields(pid);
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The 7th field of proc(5) stat: its terminal, 0 for none. */
const terminalField = 4;

/** From the third field on: the second is its name, which may hold anything. Throws where it is gone. */
function statFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function startedElsewhere(pid: number): string | undefined {
  try {
    const said = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return said === '' || said.startsWith('Z') ? undefined : said.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}

/**
 * Every process of this user whose environment has `name=value`, where the system shows environments: what a lab's
 * hosts run, whoever started it there.
 */
export function processesMarked(name: string, values: ReadonlySet<string>): readonly ProcessIdentity[] {
  return environments()
    .filter(({ text }) => {
      const at = text.indexOf(`\0${name}=`);
      if (at === -1) return false;
      const from = at + name.length + 2;
      return values.has(text.slice(from, text.indexOf('\0', from)));
    })
    .map(({ pid }) => identify(pid))
    .filter((found) => found !== undefined);
}

/**
 * Every process of this user that works in one of these folders or below and has no terminal, where the system shows it
 * (Linux): what a launcher started with an environment of its own, and no shell of a person who looks around there.
 */
export function processesWithin(folders: readonly string[]): readonly ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      const at = readlinkSync(`/proc/${entry}/cwd`);
      const isWithin = folders.some((folder) => at === folder || at.startsWith(`${folder}/`));
      return isWithin && statFields(Number(entry))[terminalField] === '0'
        ? (identify(Number(entry)) ?? [])
        : [];
    } catch {
      return []; // another user's, or gone meanwhile
    }
  });
}

function environments(): readonly { readonly pid: number; readonly text: string }[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .flatMap((entry) => {
        try {
          return [{ pid: Number(entry), text: `\0${readFileSync(`/proc/${entry}/environ`, 'utf8')}\0` }];
        } catch {
          return []; // another user's, or gone meanwhile
        }
      });
  }
  const lines = execFileSync('ps', ['-xEwwo', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return lines.split('\n').map((line) => {
    const [, pid = '0', rest = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), text: `\0${rest.replaceAll(' ', '\0')}\0` };
  });
}
