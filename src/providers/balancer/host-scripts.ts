/**
 * Scripts on a balancer's host: with the rights of root where those of the login user are not enough, and two in one
 * exchange where one follows the other, because each exchange is a way there and back and a shell that is started.
 */
import { randomBytes } from 'node:crypto';
import type { Execution, HostChannel } from '../../transport/channel.ts';

/** Scripts are small and local to the host; the rest is for a slow way there, and for a slow disk. */
export const scriptTimeoutMs = 30_000;
/** A map of 100,000 routes is some 5 MB. */
const maxOutputBytes = 16 * 1024 * 1024;

/** What a script says by its exit code, beside 0. */
export const exits = { helpless: 65, missing: 66, changed: 70, busy: 75, denied: 77, outdated: 78 } as const;

/**
 * `hidden PATH`, where there seems to be nothing: whether something may be there all the same, below a folder that this
 * user may not search. What cannot be seen is not absent.
 */
export const hidden = `
hidden() {
  above=\${1%/*}
  while [ -n "$above" ] && [ ! -e "$above" ]; do above=\${above%/*}; done
  [ -d "$above" ] && [ ! -x "$above" ]
}
`;

/** A script that follows another one in the same exchange. */
export interface Following {
  /** What must be so before either is begun: it exits with `denied` or `helpless`, and may define what the text uses. */
  readonly before: string;
  /** Exits with 0 whatever it finds. */
  readonly text: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Both as one. */
export const inTurn = (first: Following, second: Following | undefined): Following =>
  second === undefined
    ? first
    : {
        before: `${first.before}\n${second.before}`,
        text: `${first.text}\n${second.text}`,
        values: { ...first.values, ...second.values },
      };

export interface HostScripts {
  run(script: string, values: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Execution>;
  /** One after the other in one exchange. `output` undefined: nothing follows, or the host is helpless and did the first only. */
  runBoth(
    script: string,
    values: Readonly<Record<string, string>>,
    following: Following | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly result: Execution; readonly output: string | undefined }>;
}

/** Hosts on which the user of the connection was not enough: asked as root at once, which spares a way there and back. */
const needRoot = new WeakSet<HostChannel>();

export function hostScripts(channel: HostChannel): HostScripts {
  const run: HostScripts['run'] = async (script, values, signal) => {
    const options = { timeoutMs: scriptTimeoutMs, signal, maxOutputBytes, mayShareShell: true };
    if (!needRoot.has(channel)) {
      const first = await channel.script(script, values, options);
      if (first.code !== exits.denied) return first;
      needRoot.add(channel);
    }
    return channel.script(script, values, { ...options, privileged: true });
  };
  return {
    run,
    async runBoth(script, values, following, signal) {
      if (following !== undefined) {
        const text = `${following.before}\n( ${script}\n) || exit $?\n${following.text}`;
        const result = await run(text, { ...following.values, ...values }, signal);
        if (result.code !== exits.helpless) return { result, output: result.stdout };
      }
      return { result: await run(script, values, signal), output: undefined };
    },
  };
}

/** A word that no output has by chance: a line `MARK TITLE` begins a section. */
export const newMark = (): string => `deployctl-${randomBytes(9).toString('hex')}`;

export interface Section {
  readonly title: string;
  readonly text: string;
}

export const sectionsOf = (output: string, mark: string): readonly Section[] =>
  output
    .split(`${mark} `)
    .slice(1)
    .map((part) => {
      const cut = part.indexOf('\n');
      return { title: part.slice(0, cut), text: part.slice(cut + 1) };
    });
