/** Reading the list of a snapshot. */
import { HoldfastError } from "../../../lib/errors.ts";
import { isInside } from "../archive/check.ts";
import { LineSplitter } from "../tools/lines.ts";
import type { Client } from "./client.ts";
import { jsonOf, Node, Snapshot } from "./records.ts";

/** Longest line: extended attributes of a file are on its line. */
const MAX_LINE = 4 << 20;

/**
 * Gives `take` every node of a snapshot that was backed up, without the directories above the sources. Returns the
 * snapshot. Errors: `not_found` when it is not in the repository.
 */
export async function eachNode(
  client: Client,
  id: string,
  take: (nodes: Node[]) => Promise<void> | void,
): Promise<Snapshot> {
  let snapshot: Snapshot | undefined;
  let nodes: Node[] = [];
  const splitter = new LineSplitter(MAX_LINE, (line) => {
    const value = jsonOf(line);
    // The snapshot itself comes first.
    if (snapshot === undefined) snapshot = Snapshot.safeParse(value).data;
    const node = Node.safeParse(value).data;
    if (node !== undefined && snapshot?.paths.some((path) => isInside(node.path, path))) nodes.push(node);
  });
  const flush = async () => {
    const taken = nodes;
    nodes = [];
    if (taken.length > 0) await take(taken);
  };
  await client.run({
    args: ["ls", "--json", "--no-lock", id],
    action: `list snapshot ${id.slice(0, 8)} of ${client.name}`,
    quiet: true,
    async onOutput(bytes) {
      splitter.push(bytes);
      await flush();
    },
  });
  splitter.end();
  await flush();
  if (snapshot !== undefined) return snapshot;
  // restic before 0.17 calls that no failure.
  throw new HoldfastError("not_found", `Cannot find snapshot ${id.slice(0, 8)}: it is not in ${client.name}`);
}
