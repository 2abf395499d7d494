/** What of a router's configuration nobody needs to see: passwords, keys, communities. */
import { type Command, isTree, type Tree } from "./tree.ts";

/** Leaves and names whose values are struck out, and whatever is below them. */
const SECRET =
  /pass(word|phrase)|secret|^key$|-key$|^key-|private|psk|community|plaintext|encrypted|token|credential/;

const STRUCK = "***";

/** True for a place of secrets; rules and reservations have names that people choose, and hold none. */
export function isSecret(path: readonly string[]): boolean {
  if (path[0] === "nat" || path.includes("static-mapping")) return false;
  return path.some((word) => SECRET.test(word));
}

/** Names below a secret word are secrets too: a community's name is its password. */
export function maskedPath(path: readonly string[]): string[] {
  return path.map((word, i) => path[i - 1] === "community" && isSecret(path) ? STRUCK : word);
}

/** A command as people may see it. */
export function maskedCommand({ op, path, value }: Command): Command {
  const shown = { op, path: maskedPath(path) };
  return value === undefined ? shown : { ...shown, value: isSecret(path) ? STRUCK : value };
}

/** A node as people may see it. */
export function maskedTree(tree: Tree, path: readonly string[]): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => {
      const at = [...path, name];
      const shown = maskedPath(at).at(-1)!;
      if (isTree(value)) return [shown, maskedTree(value, at)];
      return [shown, !isSecret(at) ? value : typeof value === "string" ? STRUCK : value.map(() => STRUCK)];
    }),
  );
}

/** Shorter values are no secrets worth the name, and striking them out would tear words apart. */
const LEAST = 4;

/** A text of a router without the secrets that stand in these commands: it repeats what it does not take. */
export function withoutSecrets(text: string, commands: readonly Command[]): string {
  return commands.flatMap(({ path, value }) => value !== undefined && isSecret(path) ? [value] : [])
    .filter((value) => value.length >= LEAST)
    .reduce((clean, value) => clean.replaceAll(value, STRUCK), text);
}
