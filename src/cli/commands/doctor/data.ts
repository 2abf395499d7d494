/** Is the data directory ours, private, writable, free, and on a file system with room? */
import { join } from "node:path";
import { freeBytes } from "../../../lib/disk.ts";
import { formatSize } from "../../../lib/size.ts";
import { isThere, readIfThere } from "../service/host.ts";
import { type HostPlaces, mountsOf, readOnlyMount } from "./host.ts";
import { bad, type Line, ok, warning } from "./line.ts";
import { nearestThere } from "./reach.ts";

/** The directory itself. `runner` is the user of the installed service, if there is one. */
export async function examineDirectory(
  dataDir: string,
  runner: { name: string; uid: number } | undefined,
  host: HostPlaces,
): Promise<Line[]> {
  const check = "data directory";
  if (!await isThere(dataDir)) return [ok(check, `${dataDir} is not there yet; the first start makes it`)];
  const { isDirectory, mode, uid } = await Deno.stat(dataDir);
  if (!isDirectory) return [bad(check, `${dataDir} is no directory`, "choose another one with data_dir")];
  const lines: Line[] = [];
  if (mode !== null && (mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8);
    lines.push(bad(check, `${dataDir} is open to other users (mode ${shown})`, `chmod 700 ${dataDir}`));
  }
  const expected = runner?.uid ?? (Deno.uid() === 0 ? uid : Deno.uid());
  if (uid !== expected) {
    const whose = runner === undefined ? "you" : `the service's user ${runner.name}`;
    const fix = runner === undefined ? "run holdfast as that user" : `chown -R ${runner.name}: ${dataDir}`;
    lines.push(
      (runner === undefined ? warning : bad)(
        check,
        `${dataDir} belongs to user ${uid}, not to ${whose}`,
        fix,
      ),
    );
  }
  const mount = readOnlyMount(await Deno.realPath(dataDir), await mountsOf(host));
  if (mount !== undefined) {
    lines.push(
      bad(check, `${dataDir} cannot be written: ${mount} is read-only`, `mount -o remount,rw ${mount}`),
    );
  }
  return lines.length > 0 ? lines : [ok(check, `${dataDir}, private, owned by user ${uid}`)];
}

/** Who holds the lock, if anybody does. */
export async function examineLock(dataDir: string): Promise<{ lines: Line[]; held: boolean }> {
  const path = join(dataDir, "lock");
  const text = await readIfThere(path);
  if (text === undefined || !isHeld(path)) {
    return { lines: [ok("lock", "free: nobody uses the data directory")], held: false };
  }
  return { lines: [ok("lock", `held by ${holderOf(text)}`)], held: true };
}

function isHeld(path: string): boolean {
  using file = Deno.openSync(path);
  // A shared lock fits beside every other but the holder's.
  if (!file.tryLockSync(false)) return true;
  file.unlockSync();
  return false;
}

function holderOf(text: string): string {
  try {
    const holder: unknown = JSON.parse(text);
    if (typeof holder === "object" && holder !== null && "command" in holder && "pid" in holder) {
      return `"${holder.command}", process ${holder.pid}`;
    }
  } catch {
    // It is being written this instant.
  }
  return "a process that has not said which";
}

/** Files whose content opens doors. */
const SECRET = ["setup-code", "keys/signing.json", "keys/secrets.key"];

/** Modes and owners of the files in the data directory. */
export async function examineFiles(dataDir: string): Promise<Line[]> {
  if (!await isThere(dataDir)) return [];
  const { uid } = await Deno.stat(dataDir);
  const lines: Line[] = [];
  let keys = 0;
  const names = (await Array.fromAsync(Deno.readDir(dataDir))).filter((entry) => entry.isFile).map((
    { name },
  ) => name);
  for (const name of new Set([...names, ...SECRET])) {
    const path = join(dataDir, name);
    if (!await isThere(path)) continue;
    const file = await Deno.stat(path);
    const isSecret = SECRET.includes(name);
    if (isSecret) keys++;
    if (isSecret && file.mode !== null && (file.mode & 0o077) !== 0) {
      lines.push(
        bad(
          "files",
          `${path} is open to other users (mode ${(file.mode & 0o777).toString(8)})`,
          `chmod 600 ${path}`,
        ),
      );
    }
    if (file.uid !== uid) {
      lines.push(
        bad("files", `${path} belongs to user ${file.uid}, the directory to ${uid}`, `chown ${uid} ${path}`),
      );
    }
  }
  return lines.length > 0
    ? lines
    : [ok("files", keys === 0 ? "no keys yet" : `${keys} key files, all private`)];
}

/** Room on the file system of a path. `least` is `health.min_free_bytes`. */
export async function examineSpace(path: string, least: number): Promise<Line> {
  const free = await freeBytes(await nearestThere(path));
  const said = `${path}: ${formatSize(free)} free`;
  if (free >= least) return ok("disk", said);
  const fix = "make room, or lower health.min_free_bytes";
  return free < least / 10 ? bad("disk", said, fix) : warning("disk", said, fix);
}
