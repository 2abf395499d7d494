/** The expected job that is meant by an id or a name. */
import { HoldfastError } from "../lib/errors.ts";
import { jobById, jobNames } from "./queries/jobs.ts";
import type { Db, JobRow } from "./queries/tables.ts";
import { jobName } from "./records.ts";
import { idOf, type Ref, shownRef } from "./refs.ts";

/**
 * The job of this id, of this whole name (`ACME/PARIS/shop`), or of a name with this end (`PARIS/shop`, `shop`), with or
 * without its neighborhood. Errors: `not_found`, `conflict` when several have the name.
 */
export async function findJob(db: Db, ref: Ref): Promise<JobRow> {
  const row = await jobById(db, idOf(ref));
  if (row !== undefined) return row;
  const named = (await jobNames(db)).map((job) => ({
    id: job.id,
    name: jobName(job),
    short: jobName({ ...job, neighborhood: "" }),
  }));
  const whole = named.filter(({ name }) => name === String(ref));
  const candidates = whole.length > 0
    ? whole
    : named.filter(({ name, short }) =>
      [name, short].some((known) => known === String(ref) || known.endsWith(`/${ref}`))
    );
  const found = candidates.length === 1 ? await jobById(db, candidates[0]!.id) : undefined;
  if (found !== undefined) return found;
  if (candidates.length > 1) {
    const names = candidates.slice(0, MAX_NAMED).map(({ id, name }) => `${name} (${id})`);
    const more = candidates.length > MAX_NAMED ? ` and ${candidates.length - MAX_NAMED} more` : "";
    throw new HoldfastError(
      "conflict",
      `Cannot tell which expected job "${ref}" is meant: ${names.join(", ")}${more}`,
      { code: "ambiguous", hint: "name more of it, or give its id" },
    );
  }
  throw new HoldfastError("not_found", `Cannot find expected job ${shownRef(ref)}`, {
    hint: "list them with: holdfast monitor jobs list",
  });
}

/** Candidates that are named. */
const MAX_NAMED = 10;

/** The id of the job a list is narrowed to. An id is taken as it is; errors as those of {@linkcode findJob}. */
export async function jobIdOf(db: Db, ref: Ref | undefined): Promise<number | undefined> {
  return ref === undefined || typeof ref === "number" ? ref : (await findJob(db, ref)).id;
}
