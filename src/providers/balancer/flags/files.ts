/** The folder of flags on one host: read as it is, and replaced by a new revision under the lock that every deployctl takes. */
import type { Address, Context } from '../../../model/index.ts';
import type { HostChannel } from '../../../transport/channel.ts';
import { mishap, refusal } from '../failure.ts';
import { hostFiles } from '../host-files.ts';
import { type Following, hostScripts } from '../host-scripts.ts';

const exits = { missing: 66, changed: 70, foreign: 73, denied: 77 } as const;

/**
 * Lines of `route/kind/name`, in the order in which this shell finds them, which is the same at each look; nothing where
 * there is no route. Hidden files are nobody's.
 */
const listing = `
list() {
  [ -d "$1" ] || return 0
  ( cd -- "$1" || exit ${exits.denied}
    for each in */*/*; do [ ! -e "$each" ] || printf '%s\\n' "$each"; done )
}
`;

const mayLook = `
[ ! -d "$dir" ] || { [ -r "$dir" ] && [ -x "$dir" ]; } || exit ${exits.denied}
[ ! -d "$dir/live" ] || { [ -r "$dir/live" ] && [ -x "$dir/live" ]; } || exit ${exits.denied}
`;

/** What \`live\` names is asked of the shell, which starts no program for it; of a link that leads nowhere it knows nothing. */
const lookScript = `
if [ -d "$dir" ]; then
  if [ -L "$dir/live" ]; then
    echo "$mark live"
    now=$(cd -P -- "$dir/live" 2>/dev/null && pwd -P) || now=$(readlink -- "$dir/live")
    printf '%s\\n' "$now"
  elif [ -e "$dir/live" ]; then echo "$mark foreign"
  else echo "$mark live"; echo
  fi
  list "$dir/live" || echo "$mark denied"
else echo "$mark missing"; fi
`;

/**
 * A new revision beside the old ones, whole and readable for everybody, then the link in one rename. Numbers only grow,
 * so that no cache of a proxy can take a new revision for an old one. Only the newest five are kept. What the shell can do
 * itself is not left to a program: requests wait for every one that is started.
 */
const writeScript = `${listing}
[ -d "$dir" ] || exit ${exits.missing}
[ -w "$dir" ] || exit ${exits.denied}
[ "$(list "$dir/live" && echo x)" = "\${was}x" ] || exit ${exits.changed}
newest=0
for each in "$dir"/rev-*; do
  number=\${each##*/rev-}
  case $number in *[!0-9]*|'') continue ;; esac
  [ "$number" -le "$newest" ] || newest=$number
done
name=rev-$((newest + 1))
umask 022
set -- "$dir/$name/revision"
last=
while IFS= read -r each; do
  folder=\${each%/*}
  [ -z "$each" ] || [ "$folder" = "$last" ] || set -- "$@" "$dir/$name/$folder"
  last=$folder
done <<LINES
$lines
LINES
mkdir -- "$dir/$name" && mkdir -p -- "$@" && : > "$dir/$name/revision/$name" || exit 1
while IFS= read -r each; do
  [ -z "$each" ] || : > "$dir/$name/$each" || exit 1
done <<LINES
$lines
LINES
link=$dir/live.new.$$
ln -s -- "$name" "$link" && mv -fT -- "$link" "$dir/live" || { rm -f -- "$link"; exit 1; }
sync -- "$dir" 2>/dev/null || sync
set --
for each in "$dir"/rev-*; do
  number=\${each##*/rev-}
  case $number in *[!0-9]*|'') continue ;; esac
  [ "$number" -gt $((newest - 4)) ] || set -- "$@" "$each"
done
[ "$#" = 0 ] || rm -rf -- "$@"
`;

/** The revision that `live` names, '' for none, and its files; undefined: there is no such folder. */
export type SeenFlags = { readonly revision: string; readonly listing: string } | undefined;

export interface FlagFiles {
  /** Prints what `seen` reads. */
  readonly look: Following;
  /** What `look` has printed, by title. Throws where the flags cannot be read. */
  seen(printed: ReadonlyMap<string, string>): SeenFlags;
  /** Runs it alone. */
  run(look: Following, signal: AbortSignal): Promise<string>;
  /**
   * Makes a revision of these files the live one, if `was` are still those of the present one. Gives the output of what
   * follows.
   */
  replace(was: string, listing: string, following: Following, signal: AbortSignal): Promise<string>;
  /** Runs `body` while no other deployctl changes them, with the output of what follows the taking of the lock. */
  locked<T>(cx: Context, body: (output: string | undefined) => Promise<T>, following?: Following): Promise<T>;
}

export function flagFiles(channel: HostChannel, dir: string, balancer: Address): FlagFiles {
  const scripts = hostScripts(channel);
  const failed = (doing: string, code: number | undefined, stderr: string, mayHaveChanged: boolean) => {
    const words =
      code === exits.denied
        ? 'the user of the connection may not, and neither with `become`'
        : code === exits.missing
          ? 'the folder does not exist'
          : code === exits.foreign
            ? '`live` in it is no symbolic link'
            : stderr.trim() || `exit code ${code}`;
    return (mayHaveChanged ? mishap : refusal)({
      code: 'balancer-file-failed',
      summary: 'The flags of the load balancer could not be handled',
      detail: `${doing} ${dir} on ${channel.host} failed: ${words}.`,
      hint: `The folder must exist, belong to the user of the connection (or to root, with \`become = "sudo"\`), and be readable for the proxy. See:  deployctl snippet ENV ${balancer}`,
      address: balancer,
    });
  };
  return {
    look: { before: mayLook, text: `${listing}${lookScript}`, values: { dir } },
    seen(printed) {
      if (printed.has('missing')) return undefined;
      for (const title of ['foreign', 'denied'] as const) {
        if (printed.has(title)) throw failed('Reading', exits[title], '', false);
      }
      const text = printed.get('live') ?? '';
      const cut = text.indexOf('\n');
      const live = text.slice(0, cut);
      return { revision: live.slice(live.lastIndexOf('/') + 1), listing: text.slice(cut + 1) };
    },
    async run({ before, text, values }, signal) {
      const result = await scripts.run(`${before}\n${text}`, values, signal);
      if (result.code !== 0) throw failed('Reading', result.code, result.stderr, false);
      return result.stdout;
    },
    async replace(was, wanted, following, signal) {
      const { result, output } = await scripts.runBoth(
        writeScript,
        { dir, was, lines: wanted },
        following,
        signal,
      );
      if (result.code === exits.changed) {
        throw refusal({
          code: 'file-changed',
          summary: 'The flags of the load balancer were changed by someone else',
          detail: `${dir}/live on ${channel.host} changed while this step was about to write it. It was not touched.`,
          hint: 'See what is different, then plan again.',
          address: balancer,
        });
      }
      if (result.code === 0) return output ?? '';
      throw failed(
        'Writing',
        result.code,
        result.stderr,
        ![exits.missing, exits.denied].some((each) => each === result.code),
      );
    },
    locked: (cx, body, following) => hostFiles(channel, balancer).locked(`${dir}/live`, cx, body, following),
  };
}
