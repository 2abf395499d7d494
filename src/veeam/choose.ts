/** What people name things by: a name, an id, the number in a list; and how far back they mean. */
import { iso } from "../lib/clock.ts";
import { parseDuration } from "../lib/duration.ts";
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { VeeamJob } from "./model.ts";

/**
 * The job somebody means: by exact name, by id, by its number in the list, or by name in any letter case. Errors: `not_found`
 * with the nearest name, `conflict` when several have it.
 */
export function chooseJob(jobs: readonly VeeamJob[], ref: string, server: string): VeeamJob {
  const wanted = ref.trim();
  const ways: ((job: VeeamJob) => boolean)[] = [
    (job) => job.name === wanted,
    (job) => job.id === wanted.toLowerCase(),
    (job) => /^\d+$/.test(wanted) && job.number === Number(wanted),
    (job) => job.name.toLowerCase() === wanted.toLowerCase(),
  ];
  for (const way of ways) {
    const found = jobs.filter(way);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) {
      throw new HoldfastError(
        "conflict",
        `Cannot choose job "${ref}" of Veeam server "${server}": several have that name`,
        {
          hint: `use the id: ${found.map(({ id, type }) => `${id} (${type ?? "unknown type"})`).join(", ")}`,
        },
      );
    }
  }
  const meant = nearest(wanted, jobs.map(({ name }) => name));
  throw new HoldfastError("not_found", `Cannot find job "${ref}" on Veeam server "${server}"`, {
    hint: meant === undefined ? "see: holdfast veeam jobs list" : `did you mean "${meant}"?`,
  });
}

/** The instant `24h`, `7d` or an ISO 8601 instant means. Errors: `invalid`. */
export function parseSince(text: string, now: number): number {
  if (/^\d{4}-\d\d-\d\d/.test(text.trim())) {
    const ms = Date.parse(text.trim().length === 10 ? `${text.trim()}T00:00:00Z` : text.trim());
    if (!Number.isNaN(ms)) return ms;
  }
  try {
    return now - parseDuration(text) * 1000;
  } catch (error) {
    throw new HoldfastError(
      "invalid",
      `Cannot read "${text}": expected how long ago (24h, 7d) or an instant`,
      {
        hint: `such as ${iso(now - 86_400_000)}`,
        cause: error,
      },
    );
  }
}
