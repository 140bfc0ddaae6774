/**
 * A connection made on the host by a program that is already there, for hosts whose sshd forwards nothing and for
 * unix sockets that only root may open. perl-base is essential on Debian; python3 and socat are elsewhere.
 */
import { Duplex } from 'node:stream';
import type { HostDeclared } from '../model/index.ts';
import type { HostChannel } from './channel.ts';
import type { Program } from './execution.ts';
import { excerpt, scriptNotStarted, seconds } from './failures.ts';
import { encodeScript, MarkerFilter } from './loader.ts';
import { dialFailure } from './local-host.ts';

type Target = Parameters<HostChannel['dial']>[0];

/**
 * What the relay says on standard error once it is connected: standard output may begin with the target's own bytes.
 * socat has no words of its own for it; `-d -d` makes it tell what it does (1.7 and 1.8 alike).
 */
const connected = /^\+$|^\S+ \S+ socat\[\d+\] N starting data transfer loop/m;
const socatError = /^\S+ \S+ socat\[\d+\] E .*: (.+)$/m;

// `-t`: socat would give the other side half a second for its answer once we have said all.
const relayScript = String.raw`
if command -v perl >/dev/null 2>&1 && perl -MIO::Socket::INET -MIO::Socket::UNIX -e 1 2>/dev/null; then
  export relay_path relay_address relay_port
  exec perl -MIO::Socket::INET -MIO::Socket::UNIX -MIO::Select -e '
    my $tcp = eval { require IO::Socket::IP } ? "IO::Socket::IP" : "IO::Socket::INET";
    my $s = $ENV{relay_path} ne "" ? IO::Socket::UNIX->new(Peer => $ENV{relay_path})
      : $tcp->new(PeerAddr => $ENV{relay_address}, PeerPort => $ENV{relay_port});
    unless ($s) { (my $why = $@) =~ s/^(IO::Socket::\w+: )?(connect: )?//; print STDERR "$why\n"; exit 7 }
    $SIG{PIPE} = "IGNORE";
    syswrite(STDERR, "+\n");
    my $all = IO::Select->new(\*STDIN, $s);
    sub put { my ($to, $b) = @_; while (length $b) { my $n = syswrite($to, $b); exit 0 unless defined $n; substr($b, 0, $n) = "" } }
    while (my @ready = $all->can_read) { for my $from (@ready) {
      my $n = sysread($from, my $b, 65536);
      if (!$n) { exit 0 if $from == $s; $all->remove($from); shutdown($s, 1); next }
      put($from == $s ? \*STDOUT : $s, $b);
    } }'
elif command -v python3 >/dev/null 2>&1; then
  export relay_path relay_address relay_port
  exec python3 -c '
import os, select, socket, sys
e = os.environ
try:
    if e["relay_path"]:
        s = socket.socket(socket.AF_UNIX); s.connect(e["relay_path"])
    else:
        s = socket.create_connection((e["relay_address"], int(e["relay_port"])))
except (OSError, UnicodeError) as error:
    sys.stderr.write(str(getattr(error, "strerror", None) or error) + "\n"); sys.exit(7)
def put(fd, b):
    while b: b = b[os.write(fd, b):]
put(2, b"+\n")
watched = [0, s.fileno()]
while True:
    for fd in select.select(watched, [], [])[0]:
        b = os.read(fd, 65536)
        if not b:
            if fd != 0: sys.exit(0)
            watched.remove(0); s.shutdown(socket.SHUT_WR)
        elif fd == 0: s.sendall(b)
        else: put(1, b)
'
elif command -v socat >/dev/null 2>&1; then
  case $relay_address in *:*) relay_address="[$relay_address]" ;; esac
  if [ -n "$relay_path" ]; then to="UNIX-CONNECT:$relay_path"; else to="TCP:$relay_address:$relay_port"; fi
  exec socat -d -d -t 600 - "$to"
else
  echo 'none of perl, python3 and socat is there' >&2
  exit 6
fi
`;

/** Takes over a waiting loader and becomes a stream to the target. Throws a `ProviderFailure` with no effect. */
export function relay(
  program: Program,
  host: HostDeclared,
  target: Target,
  throughSudo: boolean,
  timeoutMs: number,
): Promise<Duplex> {
  const { sent, marker } = encodeScript(relayScript, {
    relay_path: 'path' in target ? target.path : '',
    relay_address: 'path' in target ? '' : target.address,
    relay_port: 'path' in target ? '' : String(target.port),
  });
  const output = new MarkerFilter(marker);
  const errors = new MarkerFilter(marker);
  let said = '';

  return new Promise((resolve, reject) => {
    let open = false;
    const duplex = new Duplex({
      read: () => program.stdout.resume(),
      write: (chunk: Buffer, _encoding, done) => {
        if (program.stdin.write(chunk)) done();
        else program.stdin.once('drain', () => done());
      },
      final: (done) => {
        program.stdin.end();
        done();
      },
      destroy: (error, done) => {
        program.kill();
        done(error);
      },
    });
    const fail = (failure: Error): void => {
      clearTimeout(timer);
      if (open) duplex.destroy(failure);
      else {
        program.kill();
        reject(failure);
      }
    };
    const timer = setTimeout(
      () => fail(dialFailure(host, target, `no answer within ${seconds(timeoutMs)}`)),
      timeoutMs,
    );
    program.stderr.on('data', (chunk: Buffer) => {
      said = (said + errors.push(chunk).toString('utf8')).slice(-2000);
      if (open || !connected.test(said)) return;
      open = true;
      clearTimeout(timer);
      resolve(duplex);
    });
    program.stdout.on('data', (chunk: Buffer) => {
      const own = output.push(chunk);
      if (own.length > 0 && !duplex.push(own)) program.stdout.pause();
    });
    program.stdin.on('error', () => {});
    void program.ended.then((end) => {
      if (!output.seen) {
        fail(scriptNotStarted(host, throughSudo, end.code, `${errors.noise}\n${output.noise}`));
      } else if (!open) {
        const why = socatError.exec(said)?.[1] ?? said;
        const reason = why.trim() === '' ? 'the relay on the host ended at once' : excerpt(why).toLowerCase();
        fail(dialFailure(host, target, reason));
      } else duplex.push(null);
    });
    program.stdin.write(sent);
  });
}
