/**
 * Runs a hook at most once for its mark, apart from the SSH session, and shows what it prints while it runs. Called
 * again for the same mark it waits for the one that runs, or tells how it ended.
 *
 * Wants: hooks (folder of the marks), mark, run, folder, run_text, environment, limit_seconds, nonce, fresh (yes: it
 * may be started). The last line on standard error is `<nonce> <word>`: a code, or `timeout`, `flood`, `lost`.
 */
import { becomeUser, identity, refuse, sh } from './shell.ts';

/** A hook that prints more than this is ended: it would fill the host's disk. */
const outputLimitBytes = 64 * 1024 * 1024;

const runner = sh`dir=$1 limit=$2
${refuse}${identity}
trap '' HUP INT
trap 'told=1' TERM
identity $$ && write_to "$dir/pid" "$$ $ident"
size() { { wc -c <"$1"; } 2>/dev/null || echo 0; }
sh "$dir/run.sh" </dev/null >"$dir/out" 2>"$dir/err" &
child=$!
(
  trap '' TERM
  ticks=0
  while [ "$ticks" -lt "$limit" ]; do
    sleep 1
    [ -e "$dir/code" ] && exit 0
    ticks=$((ticks + 1))
    if [ $(($(size "$dir/out") + $(size "$dir/err"))) -gt ${outputLimitBytes} ]; then why=flood; break; fi
  done
  write_to "$dir/cut" "${'$'}{why:-timeout}"
  kill -TERM -$$ 2>/dev/null
  sleep 5
  [ -e "$dir/code" ] || kill -KILL -$$ 2>/dev/null
) &
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
write_to "$dir/code" "$code"
`;

/** What the detached part is; it comes as the value `runner`. */
export const hookRunner = runner;

export const runHook = sh`${refuse}${identity}${becomeUser}
dir=$hooks/$mark
if [ ! -d "$dir" ]; then
  [ -d "$folder" ] || refuse hook-folder-missing "$folder"
  become "$run_as"
  attempt mkdir -p "$hooks"
  # Marks of runs that nobody resumes any more.
  for old in "$hooks"/*; do
    number=${'$'}{old##*/}
    number=${'$'}{number%%-*}
    case $number in '' | *[!0-9]*) continue ;; esac
    [ "$number" -lt $((run - 20)) ] && rm -rf -- "$old"
  done
  rm -rf -- "$dir.new"
  attempt mkdir -m 700 "$dir.new"
  write_text() { printf '%s' "$2" >"$1"; }
  (umask 077 && write_text "$dir.new/environment" "$environment") 2>/dev/null || refuse failed "$(: 2>&1 >"$dir.new/environment")"
  attempt write_text "$dir.new/run.sh" "$run_text"
  attempt write_text "$dir.new/runner.sh" "$runner"
  # From here on it counts as begun.
  attempt mv "$dir.new" "$dir"
  if command -v setsid >/dev/null 2>&1; then detach() { exec setsid "$@"; }
  else detach() { exec perl -e 'use POSIX; fork and exit; POSIX::setsid(); exec @ARGV' "$@"; }; fi
  ( cd / && detach env -i PATH="$PATH" sh "$dir/runner.sh" "$dir" "$limit_seconds" ) </dev/null >/dev/null 2>&1 &
  tick=0
  while [ ! -e "$dir/pid" ] && [ ! -e "$dir/code" ] && [ "$tick" -lt 50 ]; do tick=$((tick + 1)); pause 0.02; done
fi
shown_out=0 shown_err=0
size() { { wc -c <"$1"; } 2>/dev/null || echo 0; }
show() {
  now=$(size "$dir/out")
  [ "$now" -gt "$shown_out" ] && { tail -c "+$((shown_out + 1))" "$dir/out" | head -c "$((now - shown_out))"; shown_out=$now; }
  now=$(size "$dir/err")
  [ "$now" -gt "$shown_err" ] && { tail -c "+$((shown_err + 1))" "$dir/err" | head -c "$((now - shown_err))" >&2; shown_err=$now; }
}
step=0.02 polls=0
while [ ! -e "$dir/code" ] && alive "$dir/pid"; do
  show
  pause $step
  polls=$((polls + 1))
  [ "$polls" -gt 10 ] && step=0.1
done
[ -e "$dir/code" ] || pause 0.1
show
word=lost
{ read -r word <"$dir/code"; } 2>/dev/null
{ read -r word <"$dir/cut"; } 2>/dev/null
rm -f "$dir/environment"
printf '\n%s %s\n' "$nonce" "$word" >&2
`;

/** How a hook stands, without running it: `none`, `running`, `lost`, `timeout`, `flood` or its exit code. */
export const lookAtHook = sh`${refuse}${identity}
dir=$hooks/$mark
word=none
if [ -d "$dir" ]; then
  if alive "$dir/pid"; then word=running; else word=lost; fi
  { read -r word <"$dir/code"; } 2>/dev/null
  { read -r word <"$dir/cut"; } 2>/dev/null
fi
echo "$word"
`;
