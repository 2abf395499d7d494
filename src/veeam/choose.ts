/** What people name things by: a name, an id, the number in a list. */
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
  const names = jobs.map(({ name }) => name);
  const holding = names.filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  const meant = nearest(wanted, names) ?? (holding.length === 1 ? holding[0] : undefined);
  throw new HoldfastError("not_found", `Cannot find job "${ref}" on Veeam server "${server}"`, {
    hint: meant === undefined ? "see: holdfast veeam jobs list" : `did you mean "${meant}"?`,
  });
}
