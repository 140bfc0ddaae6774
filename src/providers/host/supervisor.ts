/**
 * The supervisor of `process "exec"`: a small sh program that starts the command, starts it again when it ends, with a
 * growing pause, and keeps its log from growing without bound. It lives on the host, apart from every SSH session.
 *
 * It is the leader of a session and a process group of its own, so that stopping reaches everything the command
 * started. Stopping is deployctl's business, not its own: it is told by the file `stopping` and by a TERM that goes
 * to the whole group at once, so the command gets that signal once and not twice (many programs take a second TERM
 * for "at once").
 *
 * What keeps the log short is a process beside it, which ends by itself: a supervisor that is killed cannot end it, and
 * until its command has ended too, that one's log still grows.
 *
 * Files in the unit's folder: `pid` and `child` (number and identity), `state` ("running N", "crashed N CODE",
 * "stopped"), `log` and `log.1`.
 */
import { quoteArgument, quoteArguments } from '../../transport/index.ts';
import { identity, refuse, sh } from './shell.ts';

/** At this size the log is cut: its last half goes to `log.1`. In blocks of 512 bytes, as find counts. */
const logBlocks = 20_480;
const logKeptBytes = 5 * 1024 * 1024;
/** How often it is looked at; each look costs two forks. */
const logPauseSeconds = 5;
const longestPauseSeconds = 30;
/** A command that lived this long was well: the next pause starts small again. */
const wellSeconds = 60;

/** The program text for one unit; `$1` is the unit's folder. */
export const supervisorScript = sh`unit=$1
${refuse}${identity}
note() { identity "$2" && write_to "$unit/$1" "$2 $ident"; }
stopping=
trap 'stopping=1' TERM
trap '' HUP INT
note pid $$
own_start="$$ $ident"
# Whether this supervisor or its command lives. Another start's are not its own.
is_needed() {
  { read -r start <"$unit/pid"; } 2>/dev/null
  [ "$start" = "$own_start" ] && { alive "$unit/pid" || alive "$unit/child"; }
}
keeper() {
  trap - TERM
  while is_needed; do
    sleep ${logPauseSeconds}
    if [ -n "$(find "$unit/log" -size +${logBlocks} 2>/dev/null)" ]; then
      tail -c ${logKeptBytes} "$unit/log" >"$unit/log.1" 2>/dev/null
      : >"$unit/log"
    fi
  done
}
keeper &
keeper=$!
wait_seconds=1 crashes=0
while :; do
  begun=$(date +%s)
  sh "$unit/run.sh" </dev/null >>"$unit/log" 2>&1 &
  child=$!
  note child "$child"
  write_to "$unit/state" "running $crashes"
  # A signal ends wait before the child has ended.
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  [ -n "$stopping" ] || [ -e "$unit/stopping" ] && break
  crashes=$((crashes + 1))
  write_to "$unit/state" "crashed $crashes $code"
  [ $(($(date +%s) - begun)) -ge ${wellSeconds} ] && wait_seconds=1
  printf '%s deployctl: the process ended with code %s; it starts again in %s s\n' \
    "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$code" "$wait_seconds" >>"$unit/log"
  sleep "$wait_seconds" &
  wait $!
  [ -n "$stopping" ] || [ -e "$unit/stopping" ] && break
  # Removed under our feet: nobody could stop us any more.
  [ -e "$unit/run.sh" ] || break
  wait_seconds=$((wait_seconds * 2))
  [ "$wait_seconds" -gt ${longestPauseSeconds} ] && wait_seconds=${longestPauseSeconds}
done
write_to "$unit/state" stopped
kill "$keeper" 2>/dev/null
`;

export interface Command {
  readonly argv: readonly string[];
  /** Absolute folder that it runs in. */
  readonly folder: string;
  /** Who it runs as. */
  readonly user: string;
  /** Absolute path of the file with its environment. */
  readonly environmentFile: string;
}

/**
 * A program that becomes the command: its folder, its environment, its user. `exec` all the way, so that the process
 * that was started is the command itself. setpriv is in util-linux since 2.33; su stays in between where it is not
 * there. The user's name was checked before: it is a word of sh as it stands.
 */
export function renderRunScript({ argv, folder, user, environmentFile }: Command): string {
  const command = quoteArguments(argv);
  return [
    '# Written by deployctl.',
    `cd ${quoteArgument(folder)} || exit 70`,
    `HOME=~${user} USER=${user} LOGNAME=${user} SHELL=/bin/sh`,
    'export HOME USER LOGNAME SHELL',
    `. ${quoteArgument(environmentFile)} || exit 70`,
    `[ "$(id -un)" = ${user} ] && exec ${command}`,
    'if command -v setpriv >/dev/null 2>&1; then',
    `  exec setpriv --reuid=${user} --regid="$(id -g ${user})" --init-groups -- ${command}`,
    'fi',
    `exec su -s /bin/sh ${user} -c ${quoteArgument(`exec ${command}`)}`,
    '',
  ].join('\n');
}

/** The environment as sh reads it: exported assignments, nothing else. Names were checked before. */
export const renderEnvironment = (environment: Readonly<Record<string, string>>): string =>
  Object.entries(environment)
    .map(([name, value]) => `export ${name}=${quoteArgument(value)}\n`)
    .join('');
