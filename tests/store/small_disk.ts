/** A file system of one mebibyte, for tests that need a full disk. */

/** A mounted small disk; unmounted when disposed of. */
export interface SmallDisk extends AsyncDisposable {
  dir: string;
}

/** Mounts a tmpfs of 1 MiB; null, with a visible line, where that is not allowed. */
export async function smallDisk(): Promise<SmallDisk | null> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  if (!await succeeds("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", dir])) {
    await Deno.remove(dir);
    console.log("skipped: full disk: no tmpfs can be mounted: run the tests as root");
    return null;
  }
  return {
    dir,
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
