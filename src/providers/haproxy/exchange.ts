/**
 * What a look and a write need of HAProxy's host, each as one script, for hosts that are far: over a line of 50 ms every
 * question to the master socket costs some, and a switch asks a dozen. Where a script finds anything unusual (no program that can speak to a
 * unix socket, a master that is just reloading, a worker that came meanwhile) it says so, and the questions are asked one
 * by one as before: so the words for what is wrong, and the patience with a reload, are in one place.
 */
import type { RouteWrite } from '../balancer/driver.ts';
import {
  exits,
  type Following,
  hidden,
  newMark,
  type Section,
  sectionsOf,
} from '../balancer/host-scripts.ts';
import { type HostReading, isReadable, type WorkerReading } from '../balancer/reading.ts';
import type { SampleAsk, Samples } from '../balancer/sampling.ts';
import { parseMapFile, parseProcesses, splitAnswers } from './parse.ts';
import { probeRequests, samplesIn } from './probe.ts';
import { type HaproxyHost, questionsFor, readWorker } from './read.ts';
import { renderRoute, routeCommand } from './render.ts';

/**
 * `ask SOCKET half`: standard input to the socket, all that it answers to standard output. `half`: nothing more comes
 * after that, without which the master never closes; `open` for HTTP, where it would be a client that has gone. All three
 * give up after 10 s. perl does without its module for sockets, which takes three times as long to load as perl to start;
 * a machine where AF_UNIX and SOCK_STREAM are not 1 gets no connection, and is asked call by call.
 */
const ask = `
if command -v perl >/dev/null 2>&1; then
  ask() { perl -e '
    alarm 10; binmode STDIN; local $/; my $text = <STDIN>;
    my $to = $^O eq "linux" ? pack("S a* x", 1, $ARGV[0]) : do { require Socket; Socket::pack_sockaddr_un($ARGV[0]) };
    my $s; socket($s, 1, 1, 0) && connect($s, $to) or exit 7;
    while (length $text) { my $n = syswrite($s, $text); exit 8 unless defined $n; substr($text, 0, $n) = "" }
    shutdown($s, 1) if $ARGV[1] eq "half";
    my $n; while ($n = sysread($s, my $b, 65536)) { print $b } exit(defined $n ? 0 : 8)' "$1" "$2"; }
elif command -v python3 >/dev/null 2>&1; then
  ask() { python3 -c '
import signal, socket, sys
signal.alarm(10); s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1]); s.sendall(sys.stdin.buffer.read())
    if sys.argv[2] == "half": s.shutdown(socket.SHUT_WR)
    while True:
        b = s.recv(65536)
        if not b: break
        sys.stdout.buffer.write(b)
except OSError: sys.exit(7)' "$1" "$2"; }
elif command -v socat >/dev/null 2>&1; then
  ask() { if [ "$2" = half ]; then socat -t 10 - "UNIX-CONNECT:$1"; else socat -t 10 - "UNIX-CONNECT:$1,shut-none"; fi; }
else exit ${exits.helpless}; fi
`;

/** Before anything is done: with the rights that it has, either all of it works or none is begun. */
const mayAsk = `${hidden}
if [ -S "$master" ]; then [ -w "$master" ]; else ! hidden "$master"; fi || exit ${exits.denied}
if [ -S "$probe" ]; then [ -w "$probe" ]; else ! hidden "$probe"; fi || exit ${exits.denied}
if [ -e "$file" ]; then [ -r "$file" ]; else ! hidden "$file"; fi || exit ${exits.denied}
`;

const look = `
pids() { while read -r id kind rest; do [ "$kind" != worker ] || echo "$id"; done; }
look() {
  processes=$(echo 'show proc' | ask "$master" half) || { echo "$mark failed"; return; }
  echo "$mark processes"; printf '%s\\n' "$processes"
  for pid in $(printf '%s\\n' "$processes" | pids); do
    echo "$mark worker $pid"
    line=
    set -f; IFS='
'; for question in $questions; do line="$line\${line:+;}@!$pid $question"; done; unset IFS; set +f
    printf '%s\\n' "$line" | ask "$master" half || { echo; echo "$mark failed"; return; }
  done
  if [ -e "$file" ]; then echo "$mark file"; cat -- "$file" || return; echo; fi
  number=0
  for requests in "$requests_0" "$requests_1" "$requests_2" "$requests_3" "$requests_4" "$requests_5"; do
    [ -n "$requests" ] || break
    echo "$mark sample $number"; number=$((number + 1))
    printf '%s' "$requests" | ask "$probe" open || { echo; echo "$mark silent"; }
    echo
  done
  echo "$mark end"
}
`;

/**
 * Of each worker that lives now: what it holds must be what was expected, or nobody is told. The lines of `orders` are of
 * a worker, what it was seen to hold (\`-\`: nothing), and the command that changes it (nothing: it is not told).
 */
const tell = `
order() { while IFS='|' read -r worker held command; do [ "$worker" != "$1" ] || { echo "found|$held|$command"; return; }; done <<ORDERS
$orders
ORDERS
}
tell() {
  alive=$(echo 'show proc' | ask "$master" half | pids) && [ -n "$alive" ] || { echo "$mark untold"; return; }
  for pid in $alive; do
    wanted=$(order "$pid"); [ -n "$wanted" ] || { echo "$mark untold"; return; }
    held=\${wanted#found|}; held=\${held%%|*}
    [ "$held" != '?' ] || continue
    shown=$(printf '@!%s show map %s\\n' "$pid" "$file" | ask "$master" half) || { echo "$mark untold"; return; }
    now=$(printf '%s\\n' "$shown" | grep -m 1 -F -- " $route ") || now=
    now=\${now#* "$route" }
    [ "\${now:--}" = "$held" ] || { echo "$mark untold"; return; }
  done
  for pid in $alive; do
    wanted=$(order "$pid"); command=\${wanted##*|}
    [ -n "$command" ] || continue
    echo "$mark told $pid"
    printf '@!%s %s\\n' "$pid" "$command" | ask "$master" half || echo "$mark failed"
  done
}
`;

/** Asks beyond these are asked by themselves. */
const mostAsks = 6;

export interface Exchange {
  readonly following: Following;
  /** What the output of the script says; undefined: something unusual, to be asked one by one. */
  reading(output: string): HostReading | undefined;
  /** What each worker answered that was told something; undefined: nobody was told, or not all. */
  told(output: string): ReadonlyMap<string, string> | undefined;
}

/** A look, with requests of which the rules are asked where they would go. */
export function lookTogether(target: HaproxyHost, asks: readonly SampleAsk[]): Exchange {
  return exchange(target, asks, 'look', {});
}

/** Every worker is told to hold what its order says, and looked at then. undefined: there is no way to say it. */
export function tellTogether(
  target: HaproxyHost,
  { route, to, reading, asks }: RouteWrite,
): Exchange | undefined {
  const { mapFile } = target.settings;
  const orders = reading.workers.map(({ id, routes }) => {
    const cell = routes?.get(route);
    if (cell !== undefined && !isReadable(cell)) return undefined;
    const held = routes === undefined ? '?' : cell === undefined ? '-' : renderRoute(cell);
    const command = routes && routeCommand(mapFile, route, cell !== undefined, to);
    return `${id}|${held}|${command ?? ''}`;
  });
  if (orders.includes(undefined)) return undefined;
  return exchange(target, asks, 'tell; look', { route, orders: orders.join('\n') });
}

function exchange(
  target: HaproxyHost,
  asks: readonly SampleAsk[],
  calls: string,
  more: Readonly<Record<string, string>>,
): Exchange {
  const { settings, name } = target;
  const mark = newMark();
  const questions = questionsFor(target);
  const asked = asks.slice(0, mostAsks);
  const requests = Object.fromEntries(
    Array.from({ length: mostAsks }, (_, index) => {
      const ask = asked[index];
      return [`requests_${index}`, ask === undefined ? '' : probeRequests(name, ask)];
    }),
  );
  const values = {
    file: settings.mapFile,
    master: settings.masterSocket,
    probe: settings.probeSocket,
    mark,
    questions: questions.join('\n'),
    ...requests,
    ...more,
  };
  return {
    following: { before: `${mayAsk}${ask}${look}${tell}`, text: `${calls}; exit 0\n`, values },
    reading: (output) => readingOf(target, sectionsOf(output, mark), asked, questions.length),
    told(output) {
      const sections = sectionsOf(output, mark);
      if (sections.some(({ title }) => title === 'untold')) return undefined;
      return new Map(
        sections.flatMap(({ title, text }) =>
          title.startsWith('told ') ? [[title.slice('told '.length), text.trim()] as const] : [],
        ),
      );
    },
  };
}

function readingOf(
  target: HaproxyHost,
  sections: readonly Section[],
  asks: readonly SampleAsk[],
  questions: number,
): HostReading | undefined {
  const text = (title: string): string | undefined => sections.find((each) => each.title === title)?.text;
  if (text('end') === undefined || text('failed') !== undefined) return undefined;
  const rows = parseProcesses(text('processes') ?? '')?.workers ?? [];
  const ordered = rows.toSorted((a, b) => Number(b.serving) - Number(a.serving) || b.pid - a.pid);
  const [first, ...others] = ordered
    .map((row) => readWorker(target, row, splitAnswers(text(`worker ${row.pid}`) ?? '', questions)))
    .filter((worker): worker is WorkerReading => worker !== undefined);
  if (first?.serving !== true) return undefined;
  // A newline was added, so that what follows begins on a line of its own.
  const file = text('file')?.slice(0, -1);
  return {
    host: target.host,
    workers: [first, ...others],
    persistedText: file,
    persisted: parseMapFile(file ?? ''),
    persistedIn: target.settings.mapFile,
    sampled: asks.flatMap((ask, index) => {
      const samples: Samples | undefined = samplesIn(text(`sample ${index}`) ?? '', ask.count);
      return samples === undefined ? [] : [{ ask, samples }];
    }),
  };
}
