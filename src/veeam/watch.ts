/** Watching jobs in the foreground: a line, and a mail, for each that failed, is missing or is well again. */
import type { Clock } from "../lib/clock.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { type JobChange, type JobState, judgeJobs } from "./changes.ts";
import type { Choice } from "./clients.ts";
import type { Letter, Mailer } from "./letter.ts";
import type { Veeam } from "./veeam.ts";

/** What a watcher tells; a result only where it ends by itself. */
export type WatchEvent =
  | { type: "line"; level: "info" | "warning" | "error"; text: string }
  | { type: "result"; status: "ok" };
type Level = "info" | "warning" | "error";

/** Looks at the jobs again and again until the signal aborts; `rounds` is for a watch that ends by itself. */
export async function* watchJobs(
  veeam: Veeam,
  { every_seconds, mail, rounds, ...choice }: Choice & {
    every_seconds: number;
    mail: readonly string[];
    rounds?: number | undefined;
  },
  mailer: Mailer,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const names = veeam.clients.choose(choice.server === undefined ? { all: true } : choice);
  const states = new Map<string, ReadonlyMap<string, JobState>>();
  const lost = new Map<string, string>();
  let letters: Letter[] = [];
  for (let round = 1; !signal.aborted; round++) {
    for (const name of names) {
      try {
        const jobs = await veeam.jobsOf(name, true, signal);
        const judged = judgeJobs(states.get(name) ?? new Map(), jobs, clock.now());
        if (!states.has(name)) yield line("info", `${name}: watching ${jobs.length} jobs`);
        else if (lost.delete(name)) yield line("info", `${name}: can be read again`);
        states.set(name, judged.states);
        for (const change of judged.changes) yield line(levelOf(change), sentence(change));
        if (mail.length > 0) letters.push(...judged.changes.map((change) => letterOf(change, mail)));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HoldfastError)) throw error;
        // The first look shows what is set wrongly; later ones have to outlive a restart.
        if (!states.has(name)) throw error;
        if (lost.get(name) !== error.message) yield line("error", `${name}: ${error.message}`);
        lost.set(name, error.message);
      }
    }
    const unsent: Letter[] = [];
    for (const letter of letters) {
      try {
        await mailer(letter, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof HoldfastError && error.kind === "invalid") throw error;
        unsent.push(letter);
        yield line("error", `mail not sent, tried again next time: ${messageOf(error)}`);
      }
    }
    letters = unsent;
    if (round === rounds) {
      yield { type: "result", status: "ok" };
      return;
    }
    await clock.sleep(every_seconds * 1000, signal);
  }
}

function line(level: Level, text: string): WatchEvent {
  return { type: "line", level, text };
}

function levelOf({ kind }: JobChange): Level {
  return kind === "recovered" ? "info" : kind === "warning" ? "warning" : "error";
}

function sentence({ job, text }: JobChange): string {
  return `${job.server}: job "${job.name}" ${text}`;
}

function letterOf(change: JobChange, to: readonly string[]): Letter {
  const { job, kind } = change;
  return {
    to,
    subject: `Veeam ${job.server}: job "${job.name}" ${kind === "recovered" ? "is well again" : kind}`,
    text: [
      sentence(change),
      "",
      `Type: ${job.type ?? "-"}`,
      `Last result: ${job.last_result ?? "-"}`,
      `Last run: ${job.last_run_at ?? "-"}`,
      `Next run: ${job.next_run_at ?? "-"}`,
      `Repository: ${job.repository_name ?? "-"}`,
    ].join("\n"),
  };
}
