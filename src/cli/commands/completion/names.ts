/** Names of things, for completion: what `holdfast NOUN list` lists. */
import { operationsFor } from "../../../catalogue.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import { at, oneLine } from "../../cells.ts";
import type { Session } from "../../session.ts";

/** The names, or ids of what has none. Errors: `not_found` for a noun without a list, and those of the list. */
export async function namesOf(noun: string, session: Session): Promise<string[]> {
  const op = (await operationsFor(noun.split(".")[0])).find(({ name }) => name === `${noun}.list`);
  if (op === undefined) throw new HoldfastError("not_found", `Cannot list "${noun}": no such list`);
  const output = await (await session.transport(op)).call(op, {}, session.signal);
  const rows = op.cli?.rows?.(output) ?? (Array.isArray(output) ? output : []);
  return rows.map((row) => oneLine(String(at(row, "name") ?? at(row, "username") ?? at(row, "id") ?? "")))
    .filter((name) => name !== "");
}
