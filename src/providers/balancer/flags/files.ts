/** The folder of flags on one host: read as it is, and replaced by a new revision under the lock that every deployctl takes. */
import type { Address, Context } from '../../../model/index.ts';
import type { HostChannel } from '../../../transport/channel.ts';
import { mishap, refusal } from '../failure.ts';
import { hostFiles } from '../host-files.ts';

const timeoutMs = 30_000;
const maxOutputBytes = 16 * 1024 * 1024;
const exits = { missing: 66, changed: 70, denied: 77, foreign: 73 } as const;

/** Lines of `route/kind/name`, as the shell sorts them; nothing where there is no route. Hidden files are nobody's. */
const listing = `
list() {
  [ -d "$1" ] || return 0
  ( cd -- "$1" || exit ${exits.denied}
    for each in */*/*; do [ ! -e "$each" ] || printf '%s\\n' "$each"; done | LC_ALL=C sort )
}
`;

const readScript = `${listing}
[ -d "$dir" ] || exit ${exits.missing}
[ -r "$dir" ] && [ -x "$dir" ] || exit ${exits.denied}
if [ -L "$dir/live" ]; then readlink -- "$dir/live"; else echo; [ ! -e "$dir/live" ] || exit ${exits.foreign}; fi
[ ! -d "$dir/live" ] || { [ -r "$dir/live" ] && [ -x "$dir/live" ]; } || exit ${exits.denied}
list "$dir/live"
`;

/**
 * A new revision beside the old ones, whole and readable for everybody, then the link in one rename. Numbers only grow,
 * so that no cache of a proxy can take a new revision for an old one. Only the newest five are kept.
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
mkdir -- "$dir/$name" "$dir/$name/revision" && : > "$dir/$name/revision/$name" || exit 1
last=
while IFS= read -r each; do
  [ -n "$each" ] || continue
  folder=\${each%/*}
  [ "$folder" = "$last" ] || mkdir -p -- "$dir/$name/$folder" || exit 1
  last=$folder
  : > "$dir/$name/$each" || exit 1
done <<LINES
$lines
LINES
link=$dir/live.new.$$
ln -s -- "$name" "$link" && mv -fT -- "$link" "$dir/live" || { rm -f -- "$link"; exit 1; }
sync -- "$dir" 2>/dev/null || sync
for each in "$dir"/rev-*; do
  number=\${each##*/rev-}
  case $number in *[!0-9]*|'') continue ;; esac
  [ "$number" -gt $((newest - 4)) ] || rm -rf -- "$each"
done
`;

export interface FlagFiles {
  /** The revision that `live` names, '' for none, and its files; undefined: there is no such folder. */
  read(signal: AbortSignal): Promise<{ readonly revision: string; readonly listing: string } | undefined>;
  /** Makes a revision of these files the live one, if `was` are still those of the present one. */
  replace(was: string, listing: string, signal: AbortSignal): Promise<void>;
  locked<T>(cx: Context, body: () => Promise<T>): Promise<T>;
}

export function flagFiles(channel: HostChannel, dir: string, balancer: Address): FlagFiles {
  const run = async (script: string, values: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const options = { timeoutMs, signal, maxOutputBytes };
    const first = await channel.script(script, values, options);
    return first.code === exits.denied
      ? channel.script(script, values, { ...options, privileged: true })
      : first;
  };
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
    async read(signal) {
      const result = await run(readScript, { dir }, signal);
      if (result.code === exits.missing) return undefined;
      if (result.code !== 0) throw failed('Reading', result.code, result.stderr, false);
      const cut = result.stdout.indexOf('\n');
      return { revision: result.stdout.slice(0, cut), listing: result.stdout.slice(cut + 1) };
    },
    async replace(was, wanted, signal) {
      const result = await run(writeScript, { dir, was, lines: wanted }, signal);
      if (result.code === exits.changed) {
        throw refusal({
          code: 'file-changed',
          summary: 'The flags of the load balancer were changed by someone else',
          detail: `${dir}/live on ${channel.host} changed while this step was about to write it. It was not touched.`,
          hint: 'See what is different, then plan again.',
          address: balancer,
        });
      }
      if (result.code === 0) return;
      throw failed(
        'Writing',
        result.code,
        result.stderr,
        ![exits.missing, exits.denied].some((each) => each === result.code),
      );
    },
    locked: (cx, body) => hostFiles(channel, balancer).locked(`${dir}/live`, cx, body),
  };
}
