/** Completion for bash 3.2 and later, without the bash-completion package. */
import { CONTEXT_FLAGS, type Place, valueText } from "./tree.ts";

/** The script. */
export function bashScript(places: readonly Place[]): string {
  return `# Completion of holdfast for bash. Load it with: source <(holdfast completion bash)
${table("commands", places, (place) => place.commands.map(({ word }) => word).join(" "))}
${table("flags", places, (place) => place.flags.map(({ word }) => word).join(" "))}
${valueTable(places)}
${argumentTable(places)}
${WALK}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function table(name: string, places: readonly Place[], of: (place: Place) => string): string {
  const rows = places.map((place) => [quoted(place.path), of(place)] as const).filter(([, text]) =>
    text !== ""
  );
  return `_holdfast_${name}() {
  case "$1" in
${rows.map(([path, text]) => `    ${path}) REPLY=${quoted(text)} ;;`).join("\n")}
    *) REPLY= ;;
  esac
}`;
}

function valueTable(places: readonly Place[]): string {
  // The program's own flags stand behind every command, so they are looked up without one.
  const rows = places.flatMap(({ path, values }) =>
    [...values].map(([flag, value]) =>
      `    ${path === "" ? "*" : quoted(path)}:${flag}) REPLY=${quoted(valueText(value))} ;;`
    )
  ).reverse();
  return `_holdfast_value() {
  case "$1:$2" in
${rows.join("\n")}
    *) REPLY= ;;
  esac
}`;
}

function argumentTable(places: readonly Place[]): string {
  const rows = places.flatMap(({ path, arguments: values, repeats }) =>
    values.map((value, i) => {
      const index = repeats && i === values.length - 1 ? "*" : String(i);
      return `    ${quoted(path)}:${index}) REPLY=${quoted(valueText(value))} ;;`;
    })
  );
  return `_holdfast_argument() {
  case "$1:$2" in
${rows.join("\n")}
    *) REPLY= ;;
  esac
}`;
}

const WALK = `_holdfast_offer() {
  local word
  for word in $1; do
    [[ $word == "$2"* ]] && COMPREPLY+=("$word")
  done
}

_holdfast() {
  local REPLY word line skip= at= position=0 i=1 IFS=$' \\t\\n'
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local -a context=()
  COMPREPLY=()
  # bash gives --flag=value as three words.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = ]]; then
      skip=1
    elif [[ -n $skip ]]; then
      skip=
    elif [[ $word == -* ]]; then
      _holdfast_value "$at" "$word"
      [[ -n $REPLY ]] && skip=1
      case $word in
        ${CONTEXT_FLAGS.join("|")})
          line=\${COMP_WORDS[i+1]}
          [[ $line == = ]] && line=\${COMP_WORDS[i+2]}
          context+=("$word" "\${line/#\\~\\//$HOME/}") ;;
      esac
    else
      _holdfast_commands "$at"
      if [[ " $REPLY " == *" $word "* ]]; then
        at="\${at:+$at }$word"
      else
        position=$((position + 1))
      fi
    fi
  done
  if [[ $prev == -* ]] && _holdfast_value "$at" "$prev" && [[ -n $REPLY ]]; then
    :
  elif [[ $cur == -* ]]; then
    _holdfast_flags "$at"
    REPLY="words $REPLY"
  else
    _holdfast_commands "$at"
    if [[ -n $REPLY && $position == 0 ]]; then
      REPLY="words $REPLY"
    else
      _holdfast_argument "$at" "$position"
    fi
  fi
  case $REPLY in
    words*) _holdfast_offer "\${REPLY#words}" "$cur" ;;
    names*)
      while IFS= read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("$(printf %q "$line")")
      done < <("\${COMP_WORDS[0]}" \${context[@]+"\${context[@]}"} completion names "\${REPLY#names }" 2>/dev/null) ;;
    directory | file)
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
        if [[ $REPLY == directory ]]; then compgen -d -- "$cur"; else compgen -f -- "$cur"; fi
      ) ;;
  esac
}

complete -F _holdfast holdfast
`;
