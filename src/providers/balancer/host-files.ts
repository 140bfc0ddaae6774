/** Files of a balancer on its host: read, and replaced whole, under a lock that every deployctl takes. */
import { posix } from 'node:path';
import type { Address, Context, Diagnostic, ProviderFailure } from '../../model/index.ts';
import type { Execution, HostChannel } from '../../transport/channel.ts';
import { mishap, refusal } from './failure.ts';
import {
  exits,
  type Following,
  hidden,
  hostScripts,
  newMark,
  scriptTimeoutMs,
  sectionsOf,
} from './host-scripts.ts';

const readScript = `${hidden}
[ -e "$file" ] || ! hidden "$file" || exit ${exits.denied}
[ -e "$file" ] || exit ${exits.missing}
[ -r "$file" ] || exit ${exits.denied}
cat -- "$file"
`;

/**
 * Replaces the file at once: readers see the old or the new one, and a power cut leaves one of them. A link is followed,
 * mode and owner stay. \`was\` is compared byte by byte; the x keeps newlines at the end, which sh would drop. Here and
 * below, what the shell can do itself is not left to a program: a switch waits for every one that is started.
 */
const replaceScript = `
if [ -L "$file" ]; then file=$(readlink -f -- "$file") || exit ${exits.missing}; fi
folder=\${file%/*}
[ -w "\${folder:-/}" ] || exit ${exits.denied}
if [ "$existed" = yes ]; then
  [ "$(cat -- "$file" && echo x)" = "\${was}x" ] || exit ${exits.changed}
else
  [ ! -e "$file" ] || exit ${exits.changed}
fi
fresh=$file.deployctl.$$
trap 'rm -f -- "$fresh"' EXIT
if [ -e "$file" ]; then cp -p -- "$file" "$fresh" || exit 1; fi
umask 022
printf '%s' "$text" | dd of="$fresh" conv=fsync 2>/dev/null || exit 1
mv -f -- "$fresh" "$file" || exit 1
trap - EXIT
sync -- "\${folder:-/}" 2>/dev/null || sync
`;

/** Prints the file after a line `$mark file`, if there is one, with a newline added. */
export const fileLook = (path: string): Following => ({
  before: `${hidden}if [ -e "$file" ]; then [ -r "$file" ]; else ! hidden "$file"; fi || exit ${exits.denied}`,
  text: `if [ -e "$file" ]; then echo "$mark file"; cat -- "$file"; echo; fi`,
  values: { file: path },
});

/** The same to follow another script, and what it printed; undefined: there is no such file. */
export function fileTogether(path: string): {
  readonly following: Following;
  textIn(output: string): string | undefined;
} {
  const mark = newMark();
  const { before, text, values } = fileLook(path);
  return {
    following: { before, text: `${text}\nexit 0\n`, values: { ...values, mark } },
    textIn: (output) => sectionsOf(output, mark)[0]?.text.slice(0, -1),
  };
}

/** What a replacement needs, without one: the folder is where the new file is written first. */
const mayReplaceScript = `
if [ -L "$file" ]; then file=$(readlink -f -- "$file") || exit ${exits.missing}; fi
folder=\${file%/*}
[ -d "\${folder:-/}" ] || exit ${exits.missing}
[ -w "\${folder:-/}" ] || exit ${exits.denied}
`;

const removeScript = `
folder=\${file%/*}
[ -w "\${folder:-/}" ] || exit ${exits.denied}
[ "$(cat -- "$file" && echo x)" = "\${was}x" ] || exit ${exits.changed}
rm -f -- "$file" || exit 1
sync -- "\${folder:-/}" 2>/dev/null || sync
`;

/**
 * mkdir is atomic everywhere. A lock of the same lineage is a leftover of a run that died, because the state allows one
 * run of a lineage at a time; one of another lineage is broken after \`stale\` seconds, which is longer than any change
 * takes. Breaking goes through a second lock, so that two that break at once do not break each other's new one.
 */
const lockScript = `
folder=\${lock%/*}
[ -d "\${folder:-/}" ] || exit ${exits.missing}
[ -w "\${folder:-/}" ] || exit ${exits.denied}
holder() { held=; [ ! -r "$lock/lineage" ] || IFS= read -r held < "$lock/lineage"; }
tries=0
until mkdir -- "$lock" 2>/dev/null; do
  [ -d "$lock" ] || [ "$tries" -lt "$most" ] || exit 1
  age=$(( $(date +%s) - $(date -r "$lock" +%s 2>/dev/null || date +%s) ))
  holder
  seen=$held
  if [ "$seen" = "$lineage" ] || [ "$age" -gt "$stale" ]; then
    if mkdir -- "$lock.break" 2>/dev/null; then
      holder
      [ "$held" = "$seen" ] && rm -rf -- "$lock"
      rmdir -- "$lock.break"
      continue
    fi
    [ $(( $(date +%s) - $(date -r "$lock.break" +%s 2>/dev/null || date +%s) )) -gt "$stale" ] && rmdir -- "$lock.break"
  fi
  tries=$((tries + 1))
  if [ "$tries" -gt "$most" ]; then cat "$lock/who" 2>/dev/null; exit ${exits.busy}; fi
  sleep 0.2
done
printf '%s' "$lineage" > "$lock/lineage" && printf '%s' "$who" > "$lock/who" || exit 1
newest=
if [ -r "$fence" ]; then
  while read -r name number; do [ "$name" != "$lineage" ] || newest=$number; done < "$fence"
fi
if [ -n "$newest" ] && [ "$newest" -gt "$run" ]; then
  rm -rf -- "$lock"; printf '%s' "$newest"; exit ${exits.outdated}
fi
if [ "$newest" != "$run" ]; then
  { [ ! -r "$fence" ] || grep -v "^$lineage " "$fence"; printf '%s %s\\n' "$lineage" "$run"; } > "$fence.$$" && mv -f -- "$fence.$$" "$fence"
fi
exit 0
`;

const unlockScript = `
folder=\${lock%/*}
[ -w "\${folder:-/}" ] || exit ${exits.denied}
held=
[ ! -r "$lock/lineage" ] || IFS= read -r held < "$lock/lineage"
[ "$held" = "$lineage" ] && rm -rf -- "$lock"
exit 0
`;

export interface HostFiles {
  /** Runs it alone. undefined: the host is helpless, or does not allow it. */
  run(script: Following, signal: AbortSignal): Promise<string | undefined>;
  /** The same, for a look at files that says what is not allowed. */
  look(script: Following, signal: AbortSignal): Promise<string>;
  /** undefined: there is no such file. */
  read(path: string, signal: AbortSignal): Promise<string | undefined>;
  /** Why it could not be replaced; undefined: it could. Changes nothing. */
  mayReplace(path: string, signal: AbortSignal): Promise<Diagnostic | undefined>;
  /**
   * Replaces it durably if it is still `was`; `to` undefined removes it. Refuses with `file-changed`, effect none. Here and
   * in `locked` what follows it gives its output; undefined: there is nothing that follows, or the host is helpless.
   */
  replace(
    path: string,
    was: string | undefined,
    to: string | undefined,
    signal: AbortSignal,
    following?: Following,
  ): Promise<string | undefined>;
  /** Runs `body` while no other deployctl changes what this lock is for. */
  locked<T>(
    path: string,
    cx: Context,
    body: (output: string | undefined) => Promise<T>,
    following?: Following,
  ): Promise<T>;
}

/** Seconds after which a lock of another lineage counts as left behind. */
const staleSeconds = 120;
/** Tries of 0.2 s until a lock that is held is reported: 20 s. */
const lockTries = 100;

/** Locks that this process holds or waits for, one after the other: the lock on the host cannot tell two of its steps apart. */
const queues = new Map<string, Promise<unknown>>();

export function hostFiles(channel: HostChannel, balancer: Address): HostFiles {
  const { run, runBoth } = hostScripts(channel);

  const failed = (doing: string, execution: Execution, isWriting: boolean): ProviderFailure => {
    const { code, signal, stderr } = execution;
    const words =
      code === exits.denied
        ? 'the user of the connection may not, and neither with `become`'
        : code === exits.missing
          ? 'its folder does not exist'
          : stderr.trim() || (signal ?? `exit code ${code}`);
    const isUntouched = code === exits.denied || code === exits.missing;
    return (isWriting && !isUntouched ? mishap : refusal)({
      code: 'balancer-file-failed',
      summary: 'A file of the load balancer could not be handled',
      detail: `${doing} on ${channel.host} failed: ${words}.`,
      hint: 'The folder must exist, and be writable for the user of the connection, or for root with `become = "sudo"`.',
      address: balancer,
    });
  };

  return {
    async read(path, signal) {
      const result = await run(readScript, { file: path }, signal);
      if (result.code === exits.missing) return undefined;
      if (result.code !== 0) throw failed(`Reading ${path}`, result, false);
      return result.stdout;
    },

    async mayReplace(path, signal) {
      const result = await run(mayReplaceScript, { file: path }, signal);
      return result.code === 0 ? undefined : failed(`Writing ${path}`, result, false).diagnostic;
    },

    async run({ before, text, values }, signal) {
      const result = await run(`${before}\n${text}`, values, signal);
      return result.code === 0 ? result.stdout : undefined;
    },

    async look({ before, text, values }, signal) {
      const result = await run(`${before}\n${text}`, values, signal);
      if (result.code !== 0) throw failed('Reading its files', result, false);
      return result.stdout;
    },

    async replace(path, was, to, signal, following) {
      if (was === to) return following && this.run(following, signal);
      const values = {
        file: path,
        was: was ?? '',
        existed: was === undefined ? 'no' : 'yes',
        text: to ?? '',
      };
      const script = to === undefined ? removeScript : replaceScript;
      const { result, output } = await runBoth(script, values, following, signal);
      if (result.code === exits.changed) {
        throw refusal({
          code: 'file-changed',
          summary: 'A file of the load balancer was changed by someone else',
          detail: `${path} on ${channel.host} changed while this step was about to write it. It was not touched.`,
          hint: 'See what is different, then plan again.',
          address: balancer,
        });
      }
      if (result.code !== 0) throw failed(`Writing ${path}`, result, true);
      return output;
    },

    async locked(path, { fence, signal }, body, following) {
      const lock = `${path}.lock`;
      const key = `${channel.host}\0${lock}`;
      const turn = Promise.withResolvers<void>();
      const before = queues.get(key);
      queues.set(key, turn.promise);
      try {
        await before;
        const { lineage, run: number } = fence;
        const values = {
          lock,
          fence: `${path}.fence`,
          lineage: lineage.replaceAll(/[^A-Za-z0-9_-]/g, '_'),
          run: String(number),
          who: `run ${number} of ${lineage}`,
          stale: String(staleSeconds),
          most: String(lockTries),
        };
        const { result, output } = await runBoth(lockScript, values, following, signal);
        if (result.code === exits.busy) throw lockBusy(lock, result.stdout);
        if (result.code === exits.outdated) throw outdated(number, result.stdout);
        if (result.code !== 0) throw failed(`Taking the lock ${lock}`, result, false);
        try {
          return await body(output);
        } finally {
          // Without the caller's signal: an interrupted step must not leave its lock behind. A lock that cannot be given
          // back is taken over by the next run of this lineage.
          await run(unlockScript, values, AbortSignal.timeout(scriptTimeoutMs)).catch(() => undefined);
        }
      } finally {
        turn.resolve();
        if (queues.get(key) === turn.promise) queues.delete(key);
      }
    },
  };

  function lockBusy(lock: string, holder: string): ProviderFailure {
    return refusal({
      code: 'balancer-locked',
      summary: 'Somebody else is changing the load balancer',
      detail: `${posix.basename(lock)} on ${channel.host} is held by ${holder === '' ? 'somebody' : `another deployctl, ${holder}`}. It was waited for ${(lockTries * 0.2).toFixed(0)} s, and nothing was changed.`,
      hint: `Wait for it to end; a lock that was left behind is broken after ${staleSeconds} s.`,
      address: balancer,
    });
  }

  function outdated(number: number, newest: string): ProviderFailure {
    return refusal({
      code: 'run-outdated',
      summary: 'A newer run was here already',
      detail: `${balancer} on ${channel.host} has seen run ${newest.trim()} of this environment, and this is run ${number}. It was not touched.`,
      hint: 'See what is different, then plan again.',
      address: balancer,
    });
  }
}
