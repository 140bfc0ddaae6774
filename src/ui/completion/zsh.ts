/** For zsh 5: sourced after compinit, or as a file `_deployctl` in a folder of `fpath`. */
import { type CompletedFlag, type Grammar, globalFlags, type Offer, quoted } from './grammar.ts';

const head = `#compdef deployctl
# Completion of deployctl for zsh, written by "deployctl completion zsh":
#   deployctl completion zsh > "\${fpath[1]}/_deployctl"

_deployctl_environments() {
  local -a found
  found=("$deployctl_folder"/environments/*(N/:t))
  (( $#found )) && _describe -t environments environment found
}

_deployctl_offer() { # WHAT
  case $1 in
    files) _files ;;
    places_and_files) _deployctl_environments; _files ;;
    places) if [[ $PREFIX == */* ]]; then _files -/; else _deployctl_environments; fi ;;
    words\\ *) compadd -- \${=1#words } ;;
  esac
}

_deployctl() {
  local deployctl_folder=. before='' first='' command='' word offer=nothing
  local -i at places=0
  for (( at = 2; at < CURRENT; at++ )); do
    word=$words[at]
    if [[ -n $before ]]; then
      [[ $before == -C || $before == --chdir ]] && deployctl_folder=$word
      before=''
      continue
    fi
    case $word in
      --chdir=*) deployctl_folder=\${word#--chdir=} ;;
      -*=*) ;;
      -*) _deployctl_value "$command" "$word" && before=$word ;;
      *)
        if [[ -n $command ]]; then (( places += 1 ))
        elif [[ -n $first ]]; then command="$first $word"
        else
          case $word in
            (@topics@) first=$word ;;
            (*) command=$word ;;
          esac
        fi ;;
    esac
  done
  if [[ -n $before ]]; then
    _deployctl_value "$command" "$before"
    _deployctl_offer "$offer"
  elif [[ $PREFIX == --*=* ]] && _deployctl_value "$command" "\${PREFIX%%=*}"; then
    compset -P '*='
    _deployctl_offer "$offer"
  elif [[ $PREFIX == -* ]]; then
    _deployctl_flags "$command"
  elif [[ -n $command ]]; then
    _deployctl_place "$command" "$places"
    _deployctl_offer "$offer"
  else
    _deployctl_words "$first"
  fi
}
`;

const tail = `
if [[ $funcstack[1] == _deployctl ]]; then
  _deployctl "$@"
elif (( $+functions[compdef] )); then
  compdef _deployctl deployctl
fi
`;

const offerText = (offer: Offer): string =>
  offer.offer === 'words' ? `words ${offer.words.join(' ')}` : offer.offer;

/** An item of `_describe`: in the word a colon would begin the description. */
const described = (word: string, about: string): string => quoted(`${word.replaceAll(':', '\\:')}:${about}`);

export function zshCompletion({ commands, topics }: Grammar): string {
  const singles = commands.filter(({ words }) => words.length === 1);
  const describe = (flags: readonly CompletedFlag[]): string =>
    flags.map(({ flag, about }) => described(flag, about)).join(' ');
  return [
    head.replace('@topics@', topics.map(({ word }) => word).join('|')),
    shellFunction('_deployctl_words', [
      'local -a found',
      'case $1 in',
      `  ('') found=(${[
        ...singles.map(({ words, about }) => described(words.join(''), about)),
        ...topics.map(({ word, about }) => described(word, about)),
      ].join(' ')}) ;;`,
      ...topics.map(
        ({ word }) =>
          `  (${word}) found=(${commands
            .filter(({ words: [first] }) => first === word)
            .map(({ words: [, second = ''], about }) => described(second, about))
            .join(' ')}) ;;`,
      ),
      'esac',
      '_describe -t commands command found',
    ]),
    shellFunction('_deployctl_flags', [
      'local -a found',
      'case $1 in',
      `  ('') found=(${describe(globalFlags)}) ;;`,
      ...commands.map(({ words, flags }) => `  (${quoted(words.join(' '))}) found=(${describe(flags)}) ;;`),
      'esac',
      '_describe -t options option found',
    ]),
    shellFunction('_deployctl_value', [
      'case "$1 $2" in',
      ...globalFlags.flatMap(({ flag, value }) =>
        value === undefined ? [] : [`  (${quoted(` ${flag}`)}) offer=${quoted(offerText(value))} ;;`],
      ),
      ...commands.flatMap(({ words, flags }) =>
        flags.flatMap(({ flag, value }) =>
          value === undefined
            ? []
            : [`  (${quoted(`${words.join(' ')} ${flag}`)}) offer=${quoted(offerText(value))} ;;`],
        ),
      ),
      '  (*) return 1 ;;',
      'esac',
    ]),
    shellFunction('_deployctl_place', [
      'case "$1 $2" in',
      ...commands.flatMap(({ words, places }) =>
        places.map(
          (offer, at) => `  (${quoted(`${words.join(' ')} ${at}`)}) offer=${quoted(offerText(offer))} ;;`,
        ),
      ),
      '  (*) offer=nothing ;;',
      'esac',
    ]),
    tail,
  ].join('\n');
}

const shellFunction = (name: string, lines: readonly string[]): string =>
  [`${name}() {`, ...lines.map((line) => `  ${line}`), '}', ''].join('\n');
