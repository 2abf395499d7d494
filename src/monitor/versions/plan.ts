/** Which kept versions stay, and why. Pure. */

/** A version of a job's good file. */
export interface Version {
  entry_id: number;
  job_id: number;
  job_name: string;
  /** The instant it was due. */
  due_at: string;
  path: string;
  size_bytes: number | null;
  sha256: string | null;
}

/** What a job asks for; without either everything is kept. */
export interface VersionRules {
  keep_versions: number | null;
  keep_days: number | null;
}

/** What becomes of one version. */
export interface VersionDecision {
  version: Version;
  keep: boolean;
  reason: string;
}

const DAY_MS = 86_400_000;

/** Decides for all versions of one job: one is kept when either rule wants it, and the newest always is. `now` in milliseconds. */
export function planVersions(
  versions: readonly Version[],
  rules: VersionRules,
  now: number,
): VersionDecision[] {
  const { keep_versions, keep_days } = rules;
  const newestFirst = [...versions].sort((a, b) => a.due_at < b.due_at ? 1 : -1);
  return newestFirst.map((version, at) => {
    const decide = (keep: boolean, reason: string) => ({ version, keep, reason });
    if (keep_versions === null && keep_days === null) return decide(true, "the job keeps everything");
    if (at === 0) return decide(true, "the newest");
    if (keep_versions !== null && at < keep_versions) {
      return decide(true, `one of the newest ${keep_versions}`);
    }
    if (keep_days !== null && now - Date.parse(version.due_at) <= keep_days * DAY_MS) {
      return decide(true, `not older than ${keep_days} days`);
    }
    const wanted = [
      ...keep_versions === null ? [] : [`not one of the newest ${keep_versions}`],
      ...keep_days === null ? [] : [`older than ${keep_days} days`],
    ];
    return decide(false, wanted.join(" and "));
  });
}

/** Folder for what was removed, directly below the root: hidden, so that nothing looks for backups in it. */
export const TRASH = ".trash";

/** Where a version goes: the same path in a folder named after the moment, so that moving it back by hand is easy too. */
export function trashPath(root: string, path: string, now: number): string {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${root}/${TRASH}/${stamp}/${path.slice(root.length + 1)}`;
}

/** Where a version in the trash was, and since when it is there (milliseconds); undefined for one that is not in it. */
export function fromTrash(root: string, path: string): { path: string; since: number } | undefined {
  const start = `${root}/${TRASH}/`;
  if (!path.startsWith(start)) return undefined;
  const [stamp = "", ...names] = path.slice(start.length).split("/");
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp);
  if (found === null || names.length === 0) return undefined;
  const [, year, month, day, hour, minute, second] = found;
  const since = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return { path: `${root}/${names.join("/")}`, since };
}
