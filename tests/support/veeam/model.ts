/** What the Veeam server to test against knows: revisions, ids, and the records of its state. */

/** Revisions the fake speaks, oldest first. */
export const SPOKEN = ["1.1-rev0", "1.2-rev1", "1.3-rev0", "1.3-rev1", "1.3-rev2"] as const;
export type Revision = typeof SPOKEN[number];

/** True when `revision` is `first` or later. */
export function since(revision: Revision, first: Revision): boolean {
  return SPOKEN.indexOf(revision) >= SPOKEN.indexOf(first);
}

/** A word of an enumeration: camelCase until 1.3-rev0, PascalCase after. */
export function cased(revision: Revision, word: string): string {
  return since(revision, "1.3-rev1") ? word : word[0]!.toLowerCase() + word.slice(1);
}

/** A readable id: 00000000-0000-4000-KIND-00000000000N. */
export function fakeId(kind: number, n: number): string {
  return `00000000-0000-4000-8${kind.toString(16).padStart(3, "0")}-${n.toString(16).padStart(12, "0")}`;
}

/** Kinds in ids. */
export const KIND = {
  job: 1,
  session: 2,
  repository: 3,
  backup: 4,
  point: 5,
  object: 6,
  file: 7,
  task: 8,
  host: 9,
  proxy: 10,
  scaleOut: 11,
  event: 12,
  practice: 13,
} as const;

export interface FakeJob {
  n: number;
  name: string;
  type: string;
  disabled: boolean;
  running: boolean;
  result: string;
  lastRun: number | null;
  session: number | null;
  repository: number;
}

export interface FakeSession {
  n: number;
  name: string;
  job: number;
  type: string;
  created: number;
  ended: number | null;
  result: string;
  message: string;
}

export interface FakeRepository {
  n: number;
  name: string;
  type: string;
  capacity: number;
  free: number;
  used: number;
  scaleOut: number | null;
}

export interface FakePoint {
  n: number;
  machine: string;
  job: number;
  created: number;
  type: string;
}

/** An instant in one of the shapes the product writes. */
export function instant(ms: number, shape: "offset" | "zulu" | "bare" = "offset"): string {
  // The server's zone is two hours ahead.
  const local = new Date(ms + 7_200_000).toISOString().replace("Z", "");
  if (shape === "offset") return `${local}4567+02:00`;
  if (shape === "bare") return `${local}4567`;
  return new Date(ms).toISOString();
}

/** Job types a revision lists. */
export function listed(type: string, revision: Revision): boolean {
  if (type === "VSphereBackup") return true;
  if (type === "VSphereReplica") return since(revision, "1.2-rev1");
  if (["FileBackup", "ObjectStorageBackup"].includes(type)) return since(revision, "1.3-rev1");
  return since(revision, "1.3-rev0");
}
