/** What a person types for a field: texts that name fields, said with the flags of a command. */

/** Fields by path, and what is typed for each: `max_backups` is `--max-backups`. */
export type Words = ReadonlyMap<string, string>;

/** What is typed for the field at a path; for a part of a field that has no flag of its own, the flag and the part. */
export function wordFor(path: string, words: Words): string {
  const known = wordAt(path, words);
  if (known !== undefined) return known;
  for (let end = path.lastIndexOf("."); end > 0; end = path.lastIndexOf(".", end - 1)) {
    const word = wordAt(path.slice(0, end), words);
    if (word !== undefined) return `${word} (${path.slice(end + 1)})`;
  }
  return path;
}

function wordAt(path: string, words: Words): string | undefined {
  return words.get(path) ?? words.get(path.replace(/\[\d+\]$/, ""));
}

/** Text in quotes, which stays, and names such as `run_after` or `engine_options.sources`, but no parts of file names or templates. */
const NAMES = /"[^"]*"|(?<![\w./\\{-])[a-z]+(?:[_.][a-z]+)*(?![\w/\\}-])/g;

/** A text with flags in place of the fields it names; a name without an underscore may be a plain word, and stays. */
export function inFlags(text: string, words: Words): string {
  return text.replaceAll(NAMES, (name) => name.includes("_") ? words.get(name) ?? name : name);
}
