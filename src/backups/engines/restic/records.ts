/** restic's JSON lines, in the forms of its releases since 0.14. */
import { z } from "zod";
import type { ArtifactEntry, SkippedItem } from "../../engine.ts";

const Count = z.number().nonnegative().default(0);

export const Status = z.object({
  message_type: z.literal("status"),
  total_files: Count,
  files_done: Count,
  files_restored: Count,
  total_bytes: Count,
  bytes_done: Count,
  bytes_restored: Count,
});

export const Summary = z.object({
  message_type: z.literal("summary"),
  data_added: Count,
  total_files_processed: Count,
  total_bytes_processed: Count,
  snapshot_id: z.string().regex(/^[0-9a-f]{8,64}$/),
});
export type Summary = z.output<typeof Summary>;

const Failure = z.object({
  message_type: z.literal("error"),
  error: z.object({ message: z.string().optional(), Err: z.unknown() }).optional(),
  item: z.string().default(""),
});

export const Snapshot = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  paths: z.array(z.string()).default([]),
});
export type Snapshot = z.output<typeof Snapshot>;

export const Node = z.object({
  type: z.string(),
  path: z.string(),
  size: z.number().default(0),
  mode: z.number().default(0),
  mtime: z.string().default(""),
});
export type Node = z.output<typeof Node>;

/** A line as JSON; undefined for lines that are text. */
export function jsonOf(line: string): unknown {
  try {
    return line.startsWith("{") || line.startsWith("[") || line === "null" ? JSON.parse(line) : undefined;
  } catch {
    return undefined;
  }
}

/** Numbers of errors as Linux has them. */
const [ENOENT, EACCES] = [2, 13];

/** An item that could not be kept; undefined for lines that say something else. */
export function skippedOf(line: string): SkippedItem | undefined {
  const failure = Failure.safeParse(jsonOf(line)).data;
  if (failure === undefined) return undefined;
  const { message, Err } = failure.error ?? {};
  const gone = Err === ENOENT || /no such file or directory/.test(message ?? "");
  const detail = message ?? (Err === EACCES ? "permission denied" : undefined);
  return {
    path: failure.item,
    reason: gone ? "vanished" : "unreadable",
    ...(detail === undefined ? {} : { detail }),
  };
}

/** Bits of modes above the nine of permissions, as Go has them (https://pkg.go.dev/io/fs#FileMode). */
const [SET_UID, SET_GID, STICKY] = [1 << 23, 1 << 22, 1 << 20];

/** A node as an entry of a backup. */
export function entryOf(node: Node): ArtifactEntry {
  const { mode } = node;
  const special = (mode & SET_UID ? 0o4000 : 0) | (mode & SET_GID ? 0o2000 : 0) |
    (mode & STICKY ? 0o1000 : 0);
  const time = Date.parse(node.mtime);
  return {
    path: node.path.replace(/^\/+/, ""),
    kind: KINDS[node.type] ?? "other",
    size_bytes: node.type === "file" ? node.size : 0,
    mode: (mode & 0o777) | special,
    mtime: Number.isNaN(time) ? "" : new Date(time).toISOString(),
  };
}

const KINDS: Record<string, ArtifactEntry["kind"]> = { file: "file", dir: "directory", symlink: "symlink" };
