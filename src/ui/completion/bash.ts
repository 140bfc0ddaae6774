/** For bash 4 and newer, with or without the package bash-completion. */
import { type CompletedCommand, type Grammar, globalFlags, type Offer, quoted } from './grammar.ts';

const head = `# Completion of deployctl for bash, written by "deployctl completion bash":
#   deployctl completion bash > ~/.local/share/bash-completion/completions/deployctl

_deployctl_environments() {
  local entry
  for entry in "$1"/environments/*/; do
    [[ -d $entry ]] || continue
    entry=\${entry%/}
    printf '%s\\n' "\${entry##*/}"
  done
}

_deployctl_offer() { # WHAT CURRENT FOLDER
  local IFS=$'\\n' entry
  case $1 in
    files | places_and_files)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
  esac
  case $1 in
    places | places_and_files)
      if [[ $2 == */* ]]; then
        compopt -o filenames 2>/dev/null
        [[ $1 == places ]] && mapfile -t COMPREPLY < <(compgen -d -- "$2")
      else
        # Not by compgen -W, which runs what is in the words: names of folders are whoever's who made them.
        while IFS= read -r entry; do
          [[ $entry == "$2"* ]] || continue
          # Names of files are quoted by readline.
          [[ $1 == places ]] && printf -v entry %q "$entry"
          COMPREPLY+=("$entry")
        done < <(_deployctl_environments "$3")
      fi ;;
    words\\ *)
      IFS=' '
      mapfile -t COMPREPLY < <(compgen -W "\${1#words }" -- "$2") ;;
  esac
}

_deployctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} before='' folder=. first='' command='' word offer=nothing
  local -i at places=0
  COMPREPLY=()
  # Where bash takes "=" for a word of its own, the flag is two words before its value.
  [[ $current == '=' ]] && current=''
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    [[ $word == '=' ]] && continue
    if [[ -n $before ]]; then
      [[ $before == -C || $before == --chdir ]] && folder=$word
      before=''
      continue
    fi
    case $word in
      -*) _deployctl_value "$command" "$word" && before=$word ;;
      *)
        if [[ -n $command ]]; then places+=1
        elif [[ -n $first ]]; then command="$first $word"
        else
          case $word in
            @topics@) first=$word ;;
            *) command=$word ;;
          esac
        fi ;;
    esac
  done
  if [[ -n $before ]]; then
    _deployctl_value "$command" "$before"
    _deployctl_offer "$offer" "$current" "$folder"
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_deployctl_flags "$command")" -- "$current")
  elif [[ -n $command ]]; then
    _deployctl_place "$command" "$places"
    _deployctl_offer "$offer" "$current" "$folder"
  elif [[ -n $first ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_deployctl_second "$first")" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W @words@ -- "$current")
  fi
}

complete -F _deployctl deployctl
`;

const offerText = (offer: Offer): string =>
  offer.offer === 'words' ? `words ${offer.words.join(' ')}` : offer.offer;

export function bashCompletion({ commands, topics }: Grammar): string {
  const singles = commands.filter(({ words }) => words.length === 1).map(({ words }) => words.join(''));
  const words = [...singles, ...topics.map(({ word }) => word), 'help'];
  return [
    head
      .replace('@topics@', topics.map(({ word }) => word).join(' | '))
      .replace('@words@', quoted(words.join(' '))),
    shellFunction('_deployctl_second', [
      'case $1 in',
      ...topics.map(({ word }) => `  ${word}) echo ${quoted(secondWords(commands, word).join(' '))} ;;`),
      'esac',
    ]),
    shellFunction('_deployctl_flags', [
      'case $1 in',
      `  '') echo ${quoted(globalFlags.map(({ flag }) => flag).join(' '))} ;;`,
      ...commands.map(
        (command) =>
          `  ${quoted(command.words.join(' '))}) echo ${quoted([...command.flags.map(({ flag }) => flag), '--help'].join(' '))} ;;`,
      ),
      'esac',
    ]),
    '# Whether the flag takes a value; sets "offer" to what it may be.',
    shellFunction('_deployctl_value', [
      'case "$1 $2" in',
      ...globalFlags.flatMap(({ flag, value }) =>
        value === undefined ? [] : [`  ${quoted(` ${flag}`)}) offer=${quoted(offerText(value))} ;;`],
      ),
      ...commands.flatMap((command) =>
        command.flags.flatMap(({ flag, value }) =>
          value === undefined
            ? []
            : [`  ${quoted(`${command.words.join(' ')} ${flag}`)}) offer=${quoted(offerText(value))} ;;`],
        ),
      ),
      '  *) return 1 ;;',
      'esac',
    ]),
    '# Sets "offer" to what stands at a place after the command, counted from 0.',
    shellFunction('_deployctl_place', [
      'case "$1 $2" in',
      ...commands.flatMap((command) =>
        command.places.map(
          (offer, at) =>
            `  ${quoted(`${command.words.join(' ')} ${at}`)}) offer=${quoted(offerText(offer))} ;;`,
        ),
      ),
      '  *) offer=nothing ;;',
      'esac',
    ]),
  ].join('\n');
}

export const secondWords = (commands: readonly CompletedCommand[], topic: string): readonly string[] =>
  commands.flatMap(({ words: [first, second] }) => (first === topic && second !== undefined ? [second] : []));

const shellFunction = (name: string, lines: readonly string[]): string =>
  [`${name}() {`, ...lines.map((line) => `  ${line}`), '}', ''].join('\n');
