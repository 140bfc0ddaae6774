/** For fish 3. */
import {
  type CompletedCommand,
  type CompletedFlag,
  type Grammar,
  globalFlags,
  type Offer,
} from './grammar.ts';

const head = `# Completion of deployctl for fish, written by "deployctl completion fish":
#   deployctl completion fish > ~/.config/fish/completions/deployctl.fish

# The words that are no flags and no values of flags, a line each: the command, then its places.
function __deployctl_words
  set -l tokens (commandline -opc)
  set -l before ''
  for token in $tokens[2..-1]
    if test -n "$before"
      set before ''
    else if contains -- $token @valued@
      set before $token
    else if not string match -q -- '-*' $token
      echo $token
    end
  end
end

# Whether the command is ARGV[1], with so many places behind it as ARGV[2] says; without that, any number.
function __deployctl_at
  set -l words (__deployctl_words)
  set -l command (string split ' ' -- $argv[1])
  set -l length (count $command)
  test "$words[1..$length]" = "$argv[1]"; or return 1
  test (count $argv) -lt 2; and return 0
  test (math (count $words) - $length) -eq $argv[2]
end

function __deployctl_none
  test (count (__deployctl_words)) -eq 0
end

function __deployctl_environments
  set -l folder .
  set -l tokens (commandline -opc)
  for at in (seq 2 (math (count $tokens) - 1))
    contains -- $tokens[$at] -C --chdir; and set folder $tokens[(math $at + 1)]
  end
  for entry in $folder/environments/*/
    basename $entry
  end
end

complete -c deployctl -f
`;

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const offered = (offer: Offer): string => {
  switch (offer.offer) {
    case 'nothing':
      return ' -x';
    case 'files':
      return ' -r -F';
    case 'places':
    case 'places_and_files':
      return ` -x -a ${quoted('(__deployctl_environments)')}`;
    case 'words':
      return ` -x -a ${quoted(offer.words.join(' '))}`;
  }
};

function flagLine(condition: string, { flag, about, value }: CompletedFlag): string {
  const name = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
  const rest = value === undefined ? '' : offered(value);
  return `complete -c deployctl -n ${quoted(condition)} ${name}${rest} -d ${quoted(about)}`;
}

export function fishCompletion({ commands, topics }: Grammar): string {
  const valued = new Set([
    ...globalFlags.filter(({ value }) => value !== undefined).map(({ flag }) => flag),
    ...commands.flatMap(({ flags }) =>
      flags.filter(({ value }) => value !== undefined).map(({ flag }) => flag),
    ),
  ]);
  const word = (condition: string, text: string, about: string): string =>
    `complete -c deployctl -n ${quoted(condition)} -a ${quoted(text)} -d ${quoted(about)}`;
  return [
    head.replace('@valued@', [...valued].join(' ')),
    ...globalFlags.map((flag) => flagLine('__deployctl_none', flag)),
    ...commands
      .filter(({ words }) => words.length === 1)
      .map(({ words, about }) => word('__deployctl_none', words.join(''), about)),
    ...topics.map(({ word: topic, about }) => word('__deployctl_none', topic, about)),
    ...commands.flatMap(({ words: [first, second], about }) =>
      second === undefined ? [] : [word(`__deployctl_at ${first} 0`, second, about)],
    ),
    ...commands.flatMap(commandLines),
    '',
  ].join('\n');
}

function commandLines({ words, flags, places }: CompletedCommand): readonly string[] {
  const at = `__deployctl_at "${words.join(' ')}"`;
  return [
    ...flags.map((flag) => flagLine(at, flag)),
    ...places.flatMap((offer, place) => placeLines(`${at} ${place}`, offer)),
  ];
}

function placeLines(condition: string, offer: Offer): readonly string[] {
  const line = (rest: string): string => `complete -c deployctl -n ${quoted(condition)} ${rest}`;
  const environments = line(`-a ${quoted('(__deployctl_environments)')} -d 'environment'`);
  switch (offer.offer) {
    case 'nothing':
      return [];
    case 'files':
      return [line('-F')];
    case 'places':
      return [environments];
    case 'places_and_files':
      return [environments, line('-F')];
    case 'words':
      return [line(`-a ${quoted(offer.words.join(' '))}`)];
  }
}
