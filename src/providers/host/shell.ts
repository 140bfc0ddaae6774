/**
 * The shell functions that scripts share. Only what POSIX sh and coreutils (or busybox) have; builtins where it can be:
 * a fork costs a host about a millisecond.
 *
 * A script ends with code 0 and what it found on its standard output, or by `refuse`: code 90 and one last line
 * `refused <code> <text>`. Any other end is a surprise, told with what the tools said.
 */

/** Marks a text as shell: backslashes stay as they are. */
export const sh = String.raw;

/**
 * Leaves out comments and indents of a script without texts of several lines. The host reads a script byte by byte, as
 * POSIX asks of `read`: 4 kB take more than a millisecond of its CPU.
 */
export const compact = (script: string): string =>
  script
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');

/** The exit code that `refuse` uses. */
export const refusedCode = 90;

/** `refuse CODE TEXT`; `oneline` keeps text on one line. */
export const refuse = sh`
refuse() {
  printf 'refused %s ' "$1"
  printf '%s' "$2" | tr '\n' '\036'
  echo
  exit 90
}
# attempt COMMAND...: what it said becomes the refusal if it fails.
attempt() { said=$("$@" 2>&1) || refuse failed "$said"; }
# write_to FILE LINE: whole or not at all.
write_to() { printf '%s\n' "$2" >"$1.$$" && mv -f "$1.$$" "$1" || { rm -f "$1.$$"; return 1; }; }
# pause SECONDS: whole seconds where sleep knows no others.
pause() { sleep "$1" 2>/dev/null || sleep 1; }
`;

/**
 * `identity PID` sets `ident` to what tells this process from any other that gets its number later: its start time
 * and the boot. It fails for a process that is gone or a zombie. `alive FILE` reads "PID IDENTITY" from a file.
 */
export const identity = sh`
boot_id=
identity() {
  ident=
  if [ -r /proc/self/stat ]; then
    [ -n "$boot_id" ] || { read -r boot_id </proc/sys/kernel/random/boot_id; } 2>/dev/null
    { read -r stat </proc/"$1"/stat; } 2>/dev/null || return 1
    set -f
    set -- ${'$'}{stat##*) }
    set +f
    case $1 in Z | X | x) return 1 ;; esac
    # The 22nd field of proc(5) stat: start time in ticks since boot; two were cut off in front.
    shift 19
    ident="$1 $boot_id"
  else
    ident=$(ps -o lstart= -p "$1" 2>/dev/null) && [ -n "$ident" ] || return 1
  fi
}
alive() {
  alive_pid=
  { read -r alive_pid alive_ident <"$1"; } 2>/dev/null || return 1
  identity "$alive_pid" && [ "$ident" = "$alive_ident" ]
}
`;

/**
 * `unit_alive FOLDER KIND NAME`: whether the process of this unit lives, by what its kind knows about it. Wants
 * `identity`. For systemd, `main_pid` is its main process, or 0, and `sub`, `result`, `status`, `restarts` say how it fares.
 */
export const unitAlive = sh`
unit_alive() {
  case $2 in
    exec) alive "$1/pid" || alive "$1/child" ;;
    script)
      if command -v timeout >/dev/null 2>&1; then timeout -k 1 10 sh "$1/status.sh" </dev/null >/dev/null 2>&1
      else sh "$1/status.sh" </dev/null >/dev/null 2>&1; fi ;;
    systemd)
      main_pid=0 active= sub= result= status= restarts=
      for property in $(systemctl show -p ActiveState -p SubState -p MainPID -p Result -p ExecMainStatus \
        -p NRestarts -- "$3.service" 2>/dev/null); do
        case $property in
          ActiveState=*) active=${'$'}{property#*=} ;;
          SubState=*) sub=${'$'}{property#*=} ;;
          MainPID=*) main_pid=${'$'}{property#*=} ;;
          Result=*) result=${'$'}{property#*=} ;;
          ExecMainStatus=*) status=${'$'}{property#*=} ;;
          NRestarts=*) restarts=${'$'}{property#*=} ;;
        esac
      done
      case $active in active | activating | reloading | deactivating) ;; *) return 1 ;; esac ;;
    *) return 1 ;;
  esac
}
`;

/**
 * `guard`: makes our own folder and refuses a run that is older than the newest one of the same lineage that wrote
 * here: a paused operator that wakes up later must not undo what others did. Wants `root`, `lineage`, `run`.
 */
export const guard = sh`
own=$root/.deployctl
guard() {
  umask 022
  attempt mkdir -p "$own"
  fence_lineage= fence_run=0
  { read -r fence_lineage fence_run <"$own/fence"; } 2>/dev/null
  if [ "$fence_lineage" = "$lineage" ]; then
    case $fence_run in '' | *[!0-9]*) fence_run=0 ;; esac
    [ "$fence_run" -gt "$run" ] && refuse fence-newer "$fence_run"
    [ "$fence_run" -eq "$run" ] && return
  fi
  attempt write_to "$own/fence" "$lineage $run"
}
# linked_to SLOT sets "linked" to the folder below releases/ that its symlink names, or to nothing.
linked_to() {
  linked=
  [ -L "$root/$1" ] || return 0
  linked=$(readlink "$root/$1")
  linked=${'$'}{linked##*releases/}
  linked=${'$'}{linked%/}
}
`;

/**
 * `become USER`: makes "drop" the start of a command line that runs as this user with its groups, without a new
 * session, and sets `run_home`. Nothing is put there for the user that we already are.
 */
export const becomeUser = sh`
become() {
  drop_to=
  case $1 in *[!A-Za-z0-9_.-]* | '' | -*) refuse user-unknown "$1" ;; esac
  id -u "$1" >/dev/null 2>&1 || refuse user-unknown "$1"
  eval "run_home=~$1"
  [ "$(id -u "$1")" = "$(id -u)" ] && return
  [ "$(id -u)" = 0 ] || refuse user-switch-refused "$(id -un)"
  drop_to=$1
}
`;
