/** Completion for zsh, with the line about each word. */
import { CONTEXT_FLAGS, type Place, valueText, type Word } from "./tree.ts";

/** The script: a file of `$fpath`, or something to source. */
export function zshScript(places: readonly Place[]): string {
  return `#compdef holdfast
# Completion of holdfast for zsh. Load it with: source <(holdfast completion zsh)
${wordTable("commands", places, (place) => place.commands)}
${wordTable("flags", places, (place) => place.flags)}
${rowTable("value", places.flatMap(valueRows).reverse())}
${rowTable("argument", places.flatMap(argumentRows))}
${WALK}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function wordTable(name: string, places: readonly Place[], of: (place: Place) => readonly Word[]): string {
  const rows = places.map((place) => [place.path, of(place)] as const).filter(([, words]) => words.length > 0)
    .map(([path, words]) => `    ${quoted(path)}) reply=(${words.map(described).join(" ")}) ;;`);
  return `_holdfast_${name}() {
  case "$1" in
${rows.join("\n")}
    *) reply=() ;;
  esac
}`;
}

/** As _describe reads it: the word, a colon, the line about it. */
function described({ word, about }: Word): string {
  return quoted(`${word.replaceAll(":", "\\:")}:${about}`);
}

function rowTable(name: string, rows: readonly [pattern: string, text: string][]): string {
  return `_holdfast_${name}() {
  case "$1:$2" in
${rows.map(([pattern, text]) => `    ${pattern}) REPLY=${quoted(text)} ;;`).join("\n")}
    *) REPLY= ;;
  esac
}`;
}

function valueRows({ path, values }: Place): [string, string][] {
  return [...values].map((
    [flag, value],
  ) => [`${path === "" ? "*" : quoted(path)}:${flag}`, valueText(value)]);
}

function argumentRows({ path, arguments: values, repeats }: Place): [string, string][] {
  return values.map((value, i) => [
    `${quoted(path)}:${repeats && i === values.length - 1 ? "*" : i}`,
    valueText(value),
  ]);
}

const WALK = `_holdfast() {
  local REPLY word at= skip= flag= cur=\${words[CURRENT]} prev=\${words[CURRENT-1]}
  local -a reply context names
  integer i position=0
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $skip ]]; then
      skip=
    elif [[ $word == -*=* ]]; then
      case \${word%%=*} in
        ${CONTEXT_FLAGS.join("|")}) context+=("\${(Q)word}") ;;
      esac
    elif [[ $word == -* ]]; then
      _holdfast_value "$at" "$word"
      [[ -n $REPLY ]] && skip=1
      case $word in
        ${CONTEXT_FLAGS.join("|")}) context+=("$word" "\${\${(Q)words[i+1]}/#\\~\\//$HOME/}") ;;
      esac
    else
      _holdfast_commands "$at"
      if (( \${reply[(I)$word:*]} )); then
        at="\${at:+$at }$word"
      else
        (( position++ ))
      fi
    fi
  done
  if [[ $cur == --*=* ]]; then
    flag=\${cur%%=*}
    compset -P '*='
  elif [[ $prev == -* ]]; then
    flag=$prev
  fi
  REPLY=
  [[ -n $flag ]] && _holdfast_value "$at" "$flag"
  if [[ -z $REPLY ]]; then
    if [[ $cur == -* ]]; then
      _holdfast_flags "$at"
      _describe -o flag reply
      return
    fi
    _holdfast_commands "$at"
    if (( \${#reply} && position == 0 )); then
      _describe command reply
      return
    fi
    _holdfast_argument "$at" "$position"
  fi
  case $REPLY in
    words*) reply=(\${=REPLY#words }); compadd -- $reply ;;
    names*)
      names=("\${(@f)$("\${(Q)words[1]}" $context completion names \${REPLY#names } 2>/dev/null)}")
      compadd -- \${names:#} ;;
    directory) _files -/ ;;
    file) _files ;;
    *) _message 'no completion' ;;
  esac
}

if [[ \${funcstack[1]} == _holdfast ]]; then
  _holdfast "$@"
else
  compdef _holdfast holdfast
fi
`;
