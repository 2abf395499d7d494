/** Is the database sound and of this release? */
import { operationsFor } from "../../../catalogue.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import { formatSize } from "../../../lib/size.ts";
import { at } from "../../cells.ts";
import type { Session } from "../../session.ts";
import { bad, type Line, ok, warning } from "./line.ts";

/** Asks the daemon, or reads the file when none runs. `usable` when schedules can be read from it. */
export async function examineDatabase(session: Session): Promise<{ lines: Line[]; usable: boolean }> {
  try {
    const status = await call(session, "db", "db.status");
    const [path, pending, integrity] = ["path", "pending", "integrity"].map((key) => at(status, key));
    if (integrity !== "ok") {
      const fix = "stop the daemon, then holdfast db restore FILE; holdfast db status lists the copies";
      return { lines: [bad("database", `${path} is damaged: ${integrity}`, fix)], usable: false };
    }
    if (Array.isArray(pending) && pending.length > 0) {
      return {
        lines: [warning("database", `its schema is older: ${pending.join(", ")}`, "holdfast db migrate")],
        usable: false,
      };
    }
    const size = Number(at(status, "size_bytes"));
    return {
      lines: [ok("database", `sound, schema ${at(status, "schema")}, ${formatSize(size)}`)],
      usable: true,
    };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === "no_data") {
      return { lines: [ok("database", "none yet; the first start makes it")], usable: false };
    }
    return {
      lines: [bad("database", error.message, error.hint ?? "see what the message names")],
      usable: false,
    };
  }
}

/** What an operation without input answers. Errors: the operation's, and those of the way there. */
export async function call(session: Session, word: string, name: string): Promise<unknown> {
  const op = (await operationsFor(word)).find((op) => op.name === name);
  if (op === undefined) throw new TypeError(`There is no operation "${name}"`);
  return await (await session.transport(op)).call(op, {}, session.signal);
}
