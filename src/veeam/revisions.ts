/**
 * Revisions of the API (`x-api-version`): which there are, in what order, and what came with which.
 *
 * A server answers the revisions older than its own too, in the words of those. Facts from the vendor's descriptions of
 * 1.1-rev0, 1.2-rev1 and 1.3-rev0 to 1.3-rev2.
 */

/** A revision and the first build of the product that speaks it. */
interface KnownRevision {
  revision: string;
  build: string;
}

/** Every revision there has been since 12.0, newest first. */
export const REVISIONS: readonly KnownRevision[] = [
  { revision: "1.3-rev2", build: "13.1.0.411" },
  { revision: "1.3-rev1", build: "13.0.1.180" },
  { revision: "1.3-rev0", build: "13.0.0.4967" },
  { revision: "1.2-rev1", build: "12.3.1.1139" },
  { revision: "1.2-rev0", build: "12.3.0.310" },
  { revision: "1.1-rev2", build: "12.2.0.334" },
  { revision: "1.1-rev1", build: "12.1.0.2131" },
  { revision: "1.1-rev0", build: "12.0.0.1420" },
];

/** What a revision of the API has that earlier ones lack. */
export const FEATURES = {
  /** `/license`, `/taskSessions`, `/malwareDetection`, `/securityAnalyzer`, `/restorePoints`, backup files. */
  tasks: "1.2-rev1",
  license: "1.2-rev1",
  malware: "1.2-rev1",
  best_practices: "1.2-rev1",
  backup_files: "1.2-rev1",
  retry: "1.3-rev0",
  proxy_states: "1.3-rev0",
  /** Filters of sessions take several words. */
  list_filters: "1.3-rev0",
  /** Malware events are for more roles than the administrator. */
  malware_for_viewers: "1.3-rev1",
  /** Agent and copy jobs are in the list of jobs. */
  agent_jobs: "1.3-rev0",
} as const;
export type Feature = keyof typeof FEATURES;

/** Negative when `a` is older than `b`, 0 when they are the same. */
export function compareRevisions(a: string, b: string): number {
  const [x, y] = [numbers(a), numbers(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbers(revision: string): number[] {
  return revision.split(/\D+/).filter((part) => part !== "").map(Number);
}

/** True when a revision has something. */
export function has(revision: string, feature: Feature): boolean {
  return compareRevisions(revision, FEATURES[feature]) >= 0;
}

/** Revisions that a refusal names: "The following versions are supported: v1.0-rev1, v1.1-rev0." */
export function namedRevisions(text: string): string[] {
  return [
    ...new Set([...text.matchAll(/\b(?:v)?(\d+\.\d+-rev\d+)\b/gi)].map((match) => match[1]!.toLowerCase())),
  ];
}

/** The newest revision a build of the product speaks, or null when it is older than all. */
export function revisionOfBuild(build: string): string | null {
  const parts = build.split(".").map(Number);
  const reached = ({ build: first }: KnownRevision) => {
    const wanted = first.split(".").map(Number);
    for (let i = 0; i < wanted.length; i++) {
      const difference = (parts[i] ?? 0) - wanted[i]!;
      if (difference !== 0) return difference > 0;
    }
    return true;
  };
  return REVISIONS.find(reached)?.revision ?? null;
}
