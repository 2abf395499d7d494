/** Free space, asked from the system. */
import { statfs } from "node:fs/promises";

/** Bytes an ordinary user can still write on the file system that holds `path`, which must exist. */
export async function freeBytes(path: string): Promise<number> {
  const stats = await statfs(path);
  return stats.bavail * stats.bsize;
}
