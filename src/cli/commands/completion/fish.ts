/** Completion for fish, with the line about each word. */
import { CONTEXT_FLAGS, type Place, valueText, type Word } from "./tree.ts";

/** The script. */
export function fishScript(places: readonly Place[]): string {
  return `# Completion of holdfast for fish. Load it with: holdfast completion fish | source
${wordTable("commands", places, (place) => place.commands)}
${wordTable("flags", places, (place) => place.flags)}
${rowTable("value", places.flatMap(valueRows).reverse())}
${rowTable("argument", places.flatMap(argumentRows))}
${WALK}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}

function wordTable(name: string, places: readonly Place[], of: (place: Place) => readonly Word[]): string {
  const rows = places.map((place) => [place.path, of(place)] as const).filter(([, words]) => words.length > 0)
    .map(([path, words]) =>
      `        case ${quoted(path)}\n            printf '%s\\t%s\\n' ${
        words.map(({ word, about }) => `${quoted(word)} ${quoted(about)}`).join(" ")
      }`
    );
  return `function __holdfast_${name}\n    switch "$argv[1]"\n${rows.join("\n")}\n    end\nend`;
}

function rowTable(name: string, rows: readonly [pattern: string, text: string][]): string {
  const cases = rows.map(([pattern, text]) =>
    `        case ${quoted(pattern)}\n            echo ${quoted(text)}`
  );
  return `function __holdfast_${name}\n    switch "$argv[1]:$argv[2]"\n${cases.join("\n")}\n    end\nend`;
}

function valueRows({ path, values }: Place): [string, string][] {
  return [...values].map(([flag, value]) => [`${path === "" ? "*" : path}:${flag}`, valueText(value)]);
}

function argumentRows({ path, arguments: values, repeats }: Place): [string, string][] {
  return values.map((value, i) => [
    `${path}:${repeats && i === values.length - 1 ? "*" : i}`,
    valueText(value),
  ]);
}

const WALK = `function __holdfast_offer
    set -l value (string split -m 1 ' ' -- $argv[1])
    set -l prefix $argv[2]
    switch "$value[1]"
        case words
            printf "$prefix%s\\n" (string split ' ' -- $value[2])
        case names
            set -l names ($argv[3..-1] completion names $value[2] 2>/dev/null)
            test (count $names) -gt 0; and printf "$prefix%s\\n" $names
        case directory
            __fish_complete_directories (commandline -ct)
        case file
            __fish_complete_path (commandline -ct)
    end
end

function __holdfast_complete
    set -l tokens (commandline -opc)
    set -l cur (commandline -ct)
    set -l program $tokens[1]
    set -l at ''
    set -l position 0
    set -l flag ''
    for word in $tokens[2..-1]
        if test -n "$flag"
            contains -- $flag ${CONTEXT_FLAGS.join(" ")}; and set -a program $flag $word
            set flag ''
        else if string match -q -- '-*=*' $word
            contains -- (string split -m 1 = -- $word)[1] ${CONTEXT_FLAGS.join(" ")}; and set -a program $word
        else if string match -q -- '-*' $word
            test -n "$(__holdfast_value $at $word)"; and set flag $word
        else if contains -- $word (__holdfast_commands $at | string split -f 1 \\t)
            set at (string trim -- "$at $word")
        else
            set position (math $position + 1)
        end
    end
    if test -n "$flag"
        __holdfast_offer "$(__holdfast_value $at $flag)" '' $program
    else if string match -q -- '--*=*' $cur
        set flag (string split -m 1 = -- $cur)[1]
        __holdfast_offer "$(__holdfast_value $at $flag)" "$flag=" $program
    else if string match -q -- '-*' $cur
        __holdfast_flags $at
    else
        set -l commands (__holdfast_commands $at)
        if test (count $commands) -gt 0 -a $position -eq 0
            printf '%s\\n' $commands
        else
            __holdfast_offer "$(__holdfast_argument $at $position)" '' $program
        end
    end
end

complete -c holdfast -f -a '(__holdfast_complete)'
`;
