/**
 * Words with ports that a host can reach: sent, and read to the end. From here over a connection for each, or all beside
 * each other by one program of the host at the end of a script, which spares the ways there and back.
 */
import { endpointText, ProviderFailure } from '../../../model/index.ts';
import type { HostChannel } from '../../../transport/channel.ts';
import { messageOf } from '../failure.ts';
import { type Following, newMark, type Section, sectionsOf } from '../host-scripts.ts';
import { exchangeBytes } from './exchange.ts';

export interface Talk {
  readonly address: string;
  readonly port: number;
  /** For all of it, in ms. On the host it may be a second more. */
  readonly timeoutMs: number;
  /** '': it is only asked whether it accepts connections. */
  readonly text: string;
}

/** What was answered to the end, or why nothing was; `isSent`: it may have been read there. */
export type Talked = { readonly text: string } | { readonly reason: string; readonly isSent: boolean };

/** Beside each other at most; an SSH connection carries at most ten by default, and others want some of them. */
const atOnce = 8;

/** An answer to each, in their order. */
export async function talkFromHere(
  channel: HostChannel,
  talks: readonly Talk[],
  signal: AbortSignal,
): Promise<readonly Talked[]> {
  const answers: Talked[] = [];
  const waiting = [...talks.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, talk] = next;
      answers[index] = await talkOnce(channel, talk, signal);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return answers;
}

/** It alone, from here. */
export async function talkOnce(channel: HostChannel, talk: Talk, signal: AbortSignal): Promise<Talked> {
  let isSent = false;
  try {
    if (talk.text === '') {
      (await channel.dial(talk, { timeoutMs: talk.timeoutMs, signal })).destroy();
      return { text: '' };
    }
    const answer = await exchangeBytes(channel, talk, talk.text, talk.timeoutMs, signal, () => {
      isSent = true;
    });
    return { text: answer.toString() };
  } catch (error) {
    const reason = error instanceof ProviderFailure ? error.diagnostic.detail : messageOf(error);
    return { reason, isSent };
  }
}

/**
 * `talk`: what `renderTalks` says on standard input; a section for each on standard output, `talked N` with the bytes, or
 * `untold N REASON` where no connection came about, `unheard N REASON` where it was lost. Where there is neither program
 * it says `helpless`, and it is talked from here.
 *
 * perl-base is essential on Debian, and has no finer clock than seconds. Its modules for sockets take five times as long
 * to load as perl takes to start, on the processor of a proxy that has requests to answer: so their constants are given
 * as Linux has them on nearly all machines (the number of the machine is in the head of every ELF program; MIPS, SPARC,
 * Alpha and PA-RISC differ), and elsewhere, and for names, the modules are loaded.
 */
export const talkScript = String.raw`
if command -v perl >/dev/null 2>&1; then
  talk() { perl -e '
    binmode STDIN; binmode STDOUT; $SIG{PIPE} = "IGNORE"; my $mark = shift; my @all;
    my $own = ""; if (open(my $file, "<", "/proc/self/exe")) { read($file, $own, 20) }
    my $usual = $^O eq "linux" && length($own) == 20 && grep { $_ == unpack("x18 S", $own) } 3, 21, 22, 40, 62, 183, 243, 258;
    my ($inet, $stream, $setfl, $nonblock, $level, $error, $under_way, $again) = $usual ? (2, 1, 4, 2048, 1, 4, 115, 11)
      : do { require Socket; require Fcntl; require Errno;
        (Socket::AF_INET(), Socket::SOCK_STREAM(), Fcntl::F_SETFL(), Fcntl::O_NONBLOCK(), Socket::SOL_SOCKET(), Socket::SO_ERROR(), Errno::EINPROGRESS(), Errno::EAGAIN()) };
    while (defined(my $head = <STDIN>)) {
      my ($address, $port, $seconds, $length) = split " ", $head;
      my $text = ""; read(STDIN, $text, $length) if $length;
      my ($wrong, @to) = ("", { family => $inet, addr => pack("S n C4 x8", $inet, $port, split /\./, $address) });
      if (!$usual || $address =~ /[^0-9.]/) { require Socket; ($wrong, @to) = Socket::getaddrinfo($address, $port, { socktype => $stream }) }
      push @all, { to => \@to, out => $text, end => !$length, in => "", why => "$wrong", until => time + $seconds + 1 };
    }
    sub begin { my $t = shift;
      while (my $to = shift @{$t->{to}}) {
        socket($t->{s}, $to->{family}, $stream, 0) or next;
        fcntl($t->{s}, $setfl, $nonblock);
        return if connect($t->{s}, $to->{addr}) || $! == $under_way;
        $t->{why} = "$!";
      }
      $t->{over} = 1 }
    begin($_) for @all;
    while (my @open = grep { !$_->{over} } @all) {
      my ($reads, $writes, $left) = ("", "", 1);
      for (@open) { vec($_->{up} ? $reads : $writes, fileno($_->{s}), 1) = 1; vec($writes, fileno($_->{s}), 1) = 1 if length $_->{out} }
      select($reads, $writes, undef, $left);
      for my $t (@open) {
        my $number = fileno($t->{s});
        if (time >= $t->{until}) { $t->{over} = 1; $t->{why} = "no answer"; next }
        if (!$t->{up} && vec($writes, $number, 1)) {
          my $wrong = unpack "i", getsockopt($t->{s}, $level, $error);
          if ($wrong) { $! = $wrong; $t->{why} = "$!"; begin($t); next }
          $t->{up} = 1;
          if ($t->{end}) { $t->{over} = $t->{whole} = 1; next }
        }
        if ($t->{up} && length $t->{out} && vec($writes, $number, 1)) {
          my $sent = syswrite($t->{s}, $t->{out});
          if (defined $sent) { substr($t->{out}, 0, $sent) = "" }
          elsif ($! != $again) { $t->{over} = 1; $t->{why} = "$!"; next }
        }
        if (vec($reads, $number, 1)) {
          my $got = sysread($t->{s}, $t->{in}, 65536, length $t->{in});
          if (!defined $got) { next if $! == $again; $t->{over} = 1; $t->{why} = "$!" }
          elsif (!$got) { $t->{over} = $t->{whole} = 1 }
        }
      }
    }
    for (0 .. $#all) { my $t = $all[$_]; print $t->{whole} ? "$mark talked $_\n$t->{in}\n" : "$mark " . ($t->{up} ? "unheard" : "untold") . " $_ $t->{why}\n" }' "$mark"; }
elif command -v python3 >/dev/null 2>&1; then
  talk() { python3 -c '
import socket, sys, threading, time
mark = sys.argv[1].encode(); answers = []; threads = []
def ask(answer, address, port, seconds, text):
    until = time.monotonic() + seconds; word = b"untold"
    try:
        s = socket.create_connection((address, port), seconds)
        got = b""; word = b"unheard"
        if text: s.sendall(text)
        while text:
            s.settimeout(max(until - time.monotonic(), 0.001))
            b = s.recv(65536)
            if not b: break
            got += b
        answer += [b"talked", b"", got]
    except socket.timeout: answer += [word, b" no answer", b""]
    except (OSError, UnicodeError) as e: answer += [word, b" " + str(getattr(e, "strerror", None) or e).encode(), b""]
while True:
    head = sys.stdin.buffer.readline().split()
    if not head: break
    answer = []; answers.append(answer)
    text = sys.stdin.buffer.read(int(head[3]))
    t = threading.Thread(target=ask, args=(answer, head[0].decode(), int(head[1]), int(head[2]), text)); t.start(); threads.append(t)
for t in threads: t.join()
for number, (word, reason, text) in enumerate(answers):
    sys.stdout.buffer.write(b"%s %s %d%s\n%s\n" % (mark, word, number, reason, text))' "$mark"; }
else talk() { cat >/dev/null; echo "$mark helpless"; }; fi
`;

/** For standard input of `talk`: a line of four words for each, and the bytes after it. */
export const renderTalks = (talks: readonly Talk[]): string =>
  talks
    .map(
      ({ address, port, timeoutMs, text }) =>
        `${address} ${port} ${Math.ceil(timeoutMs / 1000)} ${Buffer.byteLength(text)}\n${text}`,
    )
    .join('');

/** What came of each in the sections of a script; undefined: the host did not do it. */
export function readTalks(
  host: string,
  talks: readonly Talk[],
  sections: readonly Section[],
): readonly (Talked | undefined)[] {
  const said = new Map(
    sections.flatMap(({ title, text }): readonly (readonly [string, Talked])[] => {
      const [, word, index = '', reason = ''] = /^(talked|untold|unheard) (\d+) ?(.*)$/.exec(title) ?? [];
      if (word === undefined) return [];
      // A newline was added, so that what follows begins on a line of its own.
      return [
        [index, word === 'talked' ? { text: text.slice(0, -1) } : { reason, isSent: word === 'unheard' }],
      ];
    }),
  );
  return talks.map(({ address, port, timeoutMs }, index) => {
    const answer = said.get(String(index));
    if (answer === undefined || 'text' in answer) return answer;
    const { isSent } = answer;
    const words = answer.reason === 'no answer' ? `no answer within ${timeoutMs / 1000} s` : answer.reason;
    const reason = isSent
      ? words
      : `${host} could not connect to ${endpointText(address, port)}: ${words.toLowerCase()}.`;
    return { reason, isSent };
  });
}

export interface ToldFirst {
  readonly following: Following;
  /** undefined: the host has no program for it, and nothing was sent. */
  told(host: string, output: string): Talked | undefined;
}

/** A talk before what follows, which brings `talk` with it: for one that changes something, and is never said twice. */
export function talkFirst(talk: Talk, next: Following): ToldFirst {
  const mark = newMark();
  return {
    following: {
      before: next.before,
      text: `( mark=$order_mark; printf '%s' "$order" | talk; )\n${next.text}`,
      values: { ...next.values, order: renderTalks([talk]), order_mark: mark },
    },
    told(host, output) {
      const sections = sectionsOf(output, mark);
      if (sections.some(({ title }) => title === 'helpless')) return undefined;
      const [answer] = readTalks(host, [talk], sections);
      return answer ?? { reason: 'the program on the host that talks to it ended', isSent: true };
    },
  };
}
