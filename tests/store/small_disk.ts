/** A small file system, for tests that need a full or a read-only disk. */
import { join } from "node:path";

/** A mounted small disk; unmounted when disposed of. */
export interface SmallDisk extends AsyncDisposable {
  dir: string;
  /** Takes all the space that is left, or gives it back. */
  fill(): Promise<void>;
  free(): Promise<void>;
  readOnly(): Promise<void>;
}

/** Mounts a tmpfs, of 1 MiB when not said otherwise; null, with a visible line, where that is not allowed. */
export async function smallDisk(size = "1m"): Promise<SmallDisk | null> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  if (!await succeeds("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir])) {
    await Deno.remove(dir);
    console.log("skipped: full disk: no tmpfs can be mounted: run the tests as root");
    return null;
  }
  const filler = join(dir, "filler");
  return {
    dir,
    async fill() {
      using file = await Deno.create(filler);
      const page = new Uint8Array(4096);
      try {
        for (;;) file.writeSync(page);
      } catch {
        // Full, as wanted.
      }
    },
    free: () => Deno.remove(filler),
    async readOnly() {
      if (!await succeeds("mount", ["-o", "remount,ro", dir])) throw new Error(`Cannot remount ${dir}`);
    },
    async [Symbol.asyncDispose]() {
      await succeeds("umount", [dir]);
      await Deno.remove(dir);
    },
  };
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
