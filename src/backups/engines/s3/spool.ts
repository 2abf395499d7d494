/** A directory of one's own for what is on its way to or from elsewhere; gone with `await using`. */
import { join } from "node:path";
import { HoldfastError } from "../../../lib/errors.ts";
import { freeBytes } from "../../../lib/disk.ts";
import { formatSize } from "../../../lib/size.ts";
import type { EngineContext } from "../../engine.ts";

/** Names of spools begin so; what a crash left is removed at start. */
export const SPOOL_PREFIX = "spool-";

/** The directory. */
export class Spool implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Errors: `exhausted` when there is no room for `bytes`. */
  static async open({ scratch }: Pick<EngineContext, "scratch">, bytes = 0): Promise<Spool> {
    if (scratch !== undefined) await Deno.mkdir(scratch, { recursive: true, mode: 0o700 });
    const dir = scratch === undefined ? {} : { dir: scratch };
    // Private to its owner, as the system makes it.
    const spool = new Spool(await Deno.makeTempDir({ ...dir, prefix: SPOOL_PREFIX }));
    const free = await freeBytes(spool.path);
    if (free >= bytes) return spool;
    await spool[Symbol.asyncDispose]();
    throw new HoldfastError(
      "exhausted",
      `Cannot fetch it: ${formatSize(bytes)} are needed in "${scratch ?? "the temporary directory"}", ${
        formatSize(free)
      } are free`,
      { code: "disk_full", hint: "set backups.scratch_dir to a directory with more room" },
    );
  }

  /** A file in it. */
  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}
