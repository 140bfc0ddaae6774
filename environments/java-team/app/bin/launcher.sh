#!/bin/sh
# launcher.sh start|stop|status: the service in the background, its number in a pid file, its words in a log folder.
#
#   PORT        what it listens on
#   PID_FILE    where its number is kept: one for each slot, outside of the release
#   LOG_DIR     where its log is; made if it is not there
#   JAVA_HOME   bin/java in it is started; without it the java on the PATH
#   JAVA_OPTS   options for it, separated by spaces
#   STOP_SECONDS  how long it may take to stop before it is killed: 25 unless set
#
# start may be called while it runs, stop while it does not, and both end with 0 then. status ends with 0 if it runs,
# and with 3 if not.
set -eu

: "${PORT:?is not set}" "${PID_FILE:?is not set}" "${LOG_DIR:?is not set}"
cd "$(dirname "$0")/.."
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
log=$LOG_DIR/shop.log

# After a reboot the number may be another program's: it is ours only if it runs our jar on our port.
running() {
  pid=
  # A last line without its end is a line.
  { read -r pid <"$PID_FILE" || [ -n "$pid" ]; } 2>/dev/null || return 1
  [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "-Dserver.port=$PORT .*shop\.jar"
}

start() {
  if running; then return 0; fi
  mkdir -p "$LOG_DIR"
  # nohup execs: the number stays the same.
  # shellcheck disable=SC2086 # JAVA_OPTS is a list
  nohup "$java" ${JAVA_OPTS-} "-Dserver.port=$PORT" -jar shop.jar >>"$log" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$PID_FILE.new"
  mv "$PID_FILE.new" "$PID_FILE"
  # One that cannot start ends at once, and says why.
  sleep 1
  if kill -0 "$pid" 2>/dev/null; then return 0; fi
  rm -f "$PID_FILE"
  echo "shop did not start; the end of $log:" >&2
  tail -n 20 "$log" >&2
  return 1
}

stop() {
  if ! running; then
    rm -f "$PID_FILE"
    return 0
  fi
  kill -TERM "$pid"
  waited=0
  while kill -0 "$pid" 2>/dev/null; do
    if [ "$waited" -ge "${STOP_SECONDS:-25}" ]; then
      echo "shop ($pid) did not stop in $waited s and is killed" >&2
      kill -KILL "$pid" 2>/dev/null || :
      sleep 1
      break
    fi
    sleep 1
    waited=$((waited + 1))
  done
  rm -f "$PID_FILE"
}

case ${1-} in
  start) start ;;
  stop) stop ;;
  status) running || exit 3 ;;
  *)
    echo 'usage: launcher.sh start|stop|status' >&2
    exit 64
    ;;
esac
