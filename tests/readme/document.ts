/**
 * The README as a document that can be run: its `console` blocks in commands with what they print.
 *
 *     $ holdfast schedules trigger nightly --wait
 *     Run 61a4c96b7cb14892: failed after 0.2s
 *     # exit 20
 *
 * A line that begins with `$ ` is a command; it goes on in the next line after a backslash or an open `'`. What follows
 * is its output. `# exit N` at the end is its exit code, 0 when there is none.
 */

/** One command of a block. */
export interface Example {
  /** As it stands in the README, without the `$ `, line ends included. */
  command: string;
  output: string[];
  exit: number;
}

/** A fenced block. */
export interface Block {
  /** What stands behind the backticks: `console`, `console wait`, `yaml`. */
  info: string;
  /** Line of the opening fence, from 1. */
  line: number;
  lines: string[];
}

/** The document in order: text between blocks, and blocks. */
export type Part = { text: string[] } | { block: Block };

/** Splits a Markdown text; joined again by {@linkcode joinParts} it is the same text. */
export function splitParts(markdown: string): Part[] {
  const parts: Part[] = [];
  let text: string[] = [];
  let block: Block | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (fence === null) (block?.lines ?? text).push(line);
    else if (block === undefined) {
      parts.push({ text });
      text = [];
      block = { info: fence[1]!, line: index + 1, lines: [] };
    } else {
      parts.push({ block });
      block = undefined;
    }
  }
  if (block !== undefined) throw new Error(`README: the block of line ${block.line} has no end`);
  return [...parts, { text }];
}

/** The Markdown text of parts. */
export function joinParts(parts: readonly Part[]): string {
  return parts.flatMap((part) =>
    "text" in part ? part.text : ["```" + part.block.info, ...part.block.lines, "```"]
  ).join("\n");
}

/** True for blocks that are run. */
export function isConsole(block: Block): boolean {
  return /^console\b/.test(block.info);
}

/** True for a block that needs an upstream nobody has here; a test of its slice runs it against a stand-in. */
export function isShown(block: Block): boolean {
  return /^console shown$/.test(block.info);
}

/** The commands of a console block. */
export function readExamples(block: Block): Example[] {
  const examples: Example[] = [];
  const isOpen = ({ command }: Example) => command.endsWith("\\") || command.split("'").length % 2 === 0;
  for (const line of block.lines) {
    const current = examples.at(-1);
    if (current !== undefined && current.output.length === 0 && isOpen(current)) {
      current.command += `\n${line}`;
    } else if (line.startsWith("$ ")) examples.push({ command: line.slice(2), output: [], exit: 0 });
    else if (current === undefined) {
      throw new Error(`README: the block of line ${block.line} begins with output`);
    } else if (/^# exit \d+$/.test(line)) current.exit = Number(line.slice("# exit ".length));
    else current.output.push(line);
  }
  return examples;
}

/** The lines of a console block with these commands. */
export function writeExamples(examples: readonly Example[]): string[] {
  return examples.flatMap(({ command, output, exit }) => [
    ...`$ ${command}`.split("\n"),
    ...output,
    ...(exit === 0 ? [] : [`# exit ${exit}`]),
  ]);
}
