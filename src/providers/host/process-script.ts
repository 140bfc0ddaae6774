/**
 * The one script behind `process.set`: stops what runs, whatever kind it was started as, and starts what should run.
 * It goes on where an earlier one was cut off, because each part first looks at what is there.
 *
 * Wants: root, lineage, run, unit_name, expected (token of the start that the plan saw, or nothing), stop_seconds; and
 * for a start: to=yes, kind, token, record, run_as, environment, and by kind run_text | start_text, stop_text,
 * status_text, start_seconds | unit_text, unit_mark, secrets_text.
 */
import { becomeUser, guard, identity, refuse, sh } from './shell.ts';
import { supervisorScript } from './supervisor.ts';

const common = sh`
unit=$own/$unit_name
service_file=/etc/systemd/system/$unit_name.service
# A session of its own: what is started must outlive this connection, and be stopped as one group. Called in a
# subshell, which it becomes.
if command -v setsid >/dev/null 2>&1; then detach() { exec setsid "$@"; }
else detach() { exec perl -e 'use POSIX; fork and exit; POSIX::setsid(); exec @ARGV' "$@"; }; fi
log_size() { { wc -c <"$unit/log"; } 2>/dev/null || echo 0; }
# Each start is marked in the log, so that what an earlier release said is not taken for this one's words.
mark_start() {
  umask 027
  printf '%s deployctl: starts %s\n' "$(date -u '+%Y-%m-%dT%H:%M:%SZ')" "$release" >>"$unit/log"
}
# new_log SIZE: what was logged since the log had this size.
new_log() { tail -c "+$(($1 + 1))" "$unit/log" 2>/dev/null | tail -n 20; }
# within SECONDS COMMAND...: waits until it succeeds.
within() {
  ticks=$(($1 * 10)) tick=0
  shift
  until "$@"; do
    [ "$tick" -ge "$ticks" ] && return 1
    tick=$((tick + 1))
    pause 0.1
  done
}
`;

const exec = sh`
gone() { ! alive "$unit/pid" && ! alive "$unit/child"; }
stop_exec() {
  gone && return
  group=
  { read -r group _ <"$unit/pid"; } 2>/dev/null
  case $group in '' | *[!0-9]* | 0 | 1) refuse process-stop-timeout 'its process group is not known' ;; esac
  : >"$unit/stopping"
  kill -TERM "-$group" 2>/dev/null
  if ! within "$stop_seconds" gone; then
    kill -KILL "-$group" 2>/dev/null
    within 5 gone || refuse process-stop-timeout "process $group is still there after KILL"
  fi
  # What the command left behind in its group.
  kill -KILL "-$group" 2>/dev/null
  return 0
}
start_exec() {
  rm -f "$unit/pid" "$unit/child" "$unit/state" "$unit/stopping"
  prepare write_text "$unit/run.sh" "$run_text"
  prepare write_text "$unit/supervise.sh" "$supervisor"
  prepare mark_start
  before=$(log_size)
  ( cd / && detach env -i PATH="$PATH" sh "$unit/supervise.sh" "$unit" ) </dev/null >/dev/null 2>&1 &
  # Well enough to be looked at: it has run for a third of a second. Whether it works is for its health check to say.
  tick=0 ran=0 state=
  while [ "$tick" -lt 100 ] && [ "$ran" -lt 6 ]; do
    { read -r state count code <"$unit/state"; } 2>/dev/null
    case $state in
      running) [ "$count" -gt 0 ] && state=crashed && break; ran=$((ran + 1)) ;;
      crashed) break ;;
    esac
    tick=$((tick + 1))
    pause 0.05
  done
  [ "$state" = running ] && return
  said=$(new_log "$before")
  stop_exec
  case $state in
    crashed) refuse process-start-failed "ended at once with code $code
$said" ;;
    *) refuse process-start-failed "was not started by its supervisor
$said" ;;
  esac
}
`;

const script = sh`
# launch FILE SECONDS: 0 if it ended well in time; launch_code says how it ended. One that is late is ended.
launch() {
  rm -f "$unit/launch.code" "$unit/launch.pid"
  ( cd / && detach env -i PATH="$PATH" sh -c 'echo $$ >"$3"; sh "$1"; echo $? >"$2.new"; mv "$2.new" "$2"' \
    sh "$unit/$1" "$unit/launch.code" "$unit/launch.pid" ) </dev/null >>"$unit/log" 2>&1 &
  launch_code=late
  if ! within "$2" test -e "$unit/launch.code"; then
    launch_pid=
    { read -r launch_pid <"$unit/launch.pid"; } 2>/dev/null
    [ -n "$launch_pid" ] && kill -KILL "-$launch_pid" 2>/dev/null
    return 1
  fi
  read -r launch_code <"$unit/launch.code"
  rm -f "$unit/launch.code" "$unit/launch.pid"
  [ "$launch_code" = 0 ]
}
says_running() {
  if command -v timeout >/dev/null 2>&1; then timeout -k 1 10 sh "$unit/status.sh" </dev/null >/dev/null 2>&1
  else sh "$unit/status.sh" </dev/null >/dev/null 2>&1; fi
}
says_stopped() { ! says_running; }
stop_script() {
  says_running || return 0
  before=$(log_size)
  launch stop.sh "$stop_seconds"
  within "$stop_seconds" says_stopped && return
  case $launch_code in
    late) how="its stop command did not end within $stop_seconds s" ;;
    *) how="its stop command ended with code $launch_code, and its status command still says that it runs" ;;
  esac
  refuse process-stop-timeout "$how
$(new_log "$before")"
}
start_script() {
  prepare write_text "$unit/start.sh" "$start_text"
  prepare write_text "$unit/stop.sh" "$stop_text"
  prepare write_text "$unit/status.sh" "$status_text"
  prepare mark_start
  before=$(log_size)
  launch start.sh "$start_seconds" && within "$start_seconds" says_running && return
  case $launch_code in
    0) how='its start command ended well, but its status command does not say that it runs' ;;
    late) how="its start command did not end within $start_seconds s (it must leave the process in the background)" ;;
    *) how="its start command ended with code $launch_code" ;;
  esac
  said=$(new_log "$before")
  # Whatever it began.
  launch stop.sh "$stop_seconds"
  refuse process-start-failed "$how
$said"
}
`;

const unitJournal = sh`
unit_journal() {
  cursor=
  { read -r cursor <"$unit/journal"; } 2>/dev/null
  # What was printed a moment ago may not have come to journald's file yet. It answers a sync before it reads what
  # services print; by the time that it answers a second one, it has read what waited at the first.
  journalctl --sync >/dev/null 2>&1
  pause 0.1
  journalctl --sync >/dev/null 2>&1
  journalctl -u "$unit_name.service" ${'$'}{cursor:+"--after-cursor=$cursor"} -n 30 --no-pager --quiet -o cat 2>/dev/null
}
`;

const systemd = sh`${unitJournal}
need_systemd() {
  [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1 || refuse systemd-missing "$unit_name"
  [ "$(id -u)" = 0 ] || refuse host-permission 'only root may write units'
}
# A unit of this name that we have not written for this root is somebody's who would miss it.
need_own_unit() {
  [ -e "$service_file" ] || return 0
  grep -qF "$unit_mark" "$service_file" || [ -e "$unit/unit.written" ] || refuse unit-foreign "$service_file"
}
property() { systemctl show -p "$1" --value -- "$unit_name.service" 2>/dev/null; }
is_down() { case $(property ActiveState) in inactive | failed) return 0 ;; *) return 1 ;; esac; }
stop_systemd() {
  need_systemd
  is_down || said=$(systemctl stop -- "$unit_name.service" 2>&1)
  within 5 is_down || refuse process-stop-timeout "$said"
}
forget_systemd() {
  systemctl disable --quiet -- "$unit_name.service" >/dev/null 2>&1
  rm -f "$service_file" "$unit/unit.written"
  systemctl daemon-reload >/dev/null 2>&1
  systemctl reset-failed -- "$unit_name.service" >/dev/null 2>&1
  return 0
}
start_systemd() {
  if [ -n "$secrets_text" ]; then prepare write_secret "$unit/environment.systemd" "$secrets_text"
  else rm -f "$unit/environment.systemd"; fi
  prepare write_text "$unit/unit.written" "$unit_text"
  prepare write_text "$service_file" "$unit_text"
  prepare systemctl daemon-reload
  # What runs now is what a boot brings back: also after a power cut in the next moment.
  prepare systemctl enable --quiet -- "$unit_name.service"
  sync -f "$unit/started" "$service_file" 2>/dev/null
  systemctl reset-failed -- "$unit_name.service" >/dev/null 2>&1
  # The unit's last line before this start: what comes after it is of this start. A time of day would do if clocks never
  # jumped. A line of another's would not do: of a filtered journal --after-cursor leaves out one line, whatever it is.
  prepare write_text "$unit/journal" "$(journalctl -u "$unit_name.service" -n 1 --show-cursor --quiet 2>/dev/null | sed -n 's/^-- cursor: //p')"
  state= ran=0
  said=$(systemctl start -- "$unit_name.service" 2>&1) || state=failed
  while [ "$state" != failed ] && [ "$ran" -lt 4 ]; do
    case $(property ActiveState) in active) ran=$((ran + 1)) ;; *) state=failed ;; esac
    pause 0.1
  done
  [ "$state" = failed ] || return
  ended="$(property Result) $(property ExecMainStatus)"
  systemctl stop -- "$unit_name.service" >/dev/null 2>&1
  words=$(unit_journal)
  # Or the next boot would start what did not start now.
  forget_systemd
  refuse process-start-failed "systemd $ended
${'$'}{words:-$said}"
}
`;

const main = sh`
write_text() { printf '%s' "$2" >"$1.$$" && mv -f "$1.$$" "$1" || { rm -f "$1.$$"; return 1; }; }
# Values are no part of what a shell says about a failure: it names the file.
write_secret() (umask 077 && write_text "$1" "$2")
forget_start() {
  rm -f "$unit/started" "$unit/process.json" "$unit"/*.sh "$unit/environment" "$unit/environment.systemd" \
    "$unit/journal" "$unit/pid" "$unit/child" "$unit/state" "$unit/stopping"
}
# prepare COMMAND...: as attempt; a start that cannot be prepared leaves nothing that a boot or the next run takes for one.
prepare() {
  said=$("$@" 2>&1) && return
  failed=$said
  [ "$kind" != systemd ] || forget_systemd
  forget_start
  refuse failed "$failed"
}
guard
had_token= had_kind=
{ read -r had_token had_kind _ <"$unit/started"; } 2>/dev/null
[ "$had_token" = "$expected" ] || refuse elsewhere
# What can be refused is refused before anything is stopped.
if [ "$to" = yes ]; then
  become "$run_as"
  [ -d "$root/releases/$release" ] || refuse release-missing "$release"
  if [ "$kind" = systemd ]; then
    need_systemd
    need_own_unit
  fi
fi
case $had_kind in
  exec) stop_exec ;;
  script) stop_script ;;
  systemd) stop_systemd; [ "$kind" = systemd ] || forget_systemd ;;
esac
if [ "$to" != yes ]; then
  forget_start
  echo stopped
  exit 0
fi
prepare mkdir -p "$unit"
# A command that drops its rights reads it before it does.
prepare write_secret "$unit/environment" "export PATH=$quoted_path
$environment"
prepare write_text "$unit/process.json" "$record"
prepare write_to "$unit/started" "$token $kind $release"
case $kind in
  exec) start_exec ;;
  script) start_script ;;
  systemd) start_systemd ;;
esac
echo started
`;

const quotedPath = sh`
quoted_path="'$(printf %s "${'$'}{PATH:-/usr/local/bin:/usr/bin:/bin}" | sed "s/'/'\\\\''/g")'"
`;

/** The whole script. `supervisor` comes as a value of its own, see {@link supervisorText}. */
export const setProcess = [
  refuse,
  identity,
  guard,
  becomeUser,
  common,
  exec,
  script,
  systemd,
  quotedPath,
  main,
].join('');

export const supervisorText = supervisorScript;

/** The last lines that a process printed since it was started by deployctl. Wants root, unit_name. */
export const readLog = sh`
${unitJournal}
unit=$root/.deployctl/$unit_name
kind=
{ read -r _ kind _ <"$unit/started"; } 2>/dev/null
case $kind in
  systemd)
    unit_journal ;;
  *)
    # sed, not grep: a log may hold bytes that grep calls binary.
    started=$(sed -n '/^[^ ]* deployctl: starts /=' "$unit/log" 2>/dev/null | tail -n 1)
    tail -n "+$((${'$'}{started:-0} + 1))" "$unit/log" 2>/dev/null | tail -c 16384 | tail -n 30
    ;;
esac
:
`;
