/** The hooks around one attempt. */
import { messageOf } from "../lib/errors.ts";
import { callHook, type HookMoment } from "./hooks.ts";
import type { SchedulesOptions } from "./options.ts";
import { contextOf, type Performance, type RunEnding } from "./performance.ts";
import { policiesOf } from "./policies.ts";

/** Knows which server the attempt is for once that is known, and calls nothing before. */
export class AttemptHooks {
  readonly #options: SchedulesOptions;
  readonly #performance: Performance;
  #server: { id: number; name: string } | undefined;

  constructor(options: SchedulesOptions, performance: Performance) {
    this.#options = options;
    this.#performance = performance;
  }

  /** Rejects when the hook fails: then there is no backup. */
  async before(server: { id: number; name: string }): Promise<void> {
    this.#server = server;
    await this.#call("before", null, this.#performance.signal);
    await this.#options.fault?.("hook-called");
  }

  /** Calls those that come after; that one fails does not change how the attempt ended. Nothing after what never got so far. */
  async after(ending: RunEnding, signal: AbortSignal): Promise<void> {
    if (this.#server === undefined) return;
    const isFailure = ending.outcome !== "success" && ending.outcome !== "cancelled";
    for (const moment of isFailure ? ["failure", "after"] as const : ["after"] as const) {
      try {
        await this.#call(moment, ending, signal);
      } catch (error) {
        this.#performance.log.add("warning", messageOf(error));
      }
    }
  }

  async #call(moment: HookMoment, ending: RunEnding | null, signal: AbortSignal): Promise<void> {
    const { schedule, run_id, attempt, due_at } = this.#performance;
    const { id, name } = this.#server!;
    await callHook({
      moment,
      policies: policiesOf(schedule.policies),
      allowCommands: this.#options.settings.allow_commands,
      context: contextOf(this.#options, this.#performance, signal),
      facts: {
        schedule: schedule.name,
        schedule_id: schedule.id,
        server: name,
        server_id: id,
        run_id,
        attempt,
        due_at,
        outcome: ending?.outcome ?? null,
        error: ending?.error ?? null,
        backup_id: ending?.backup?.id ?? null,
        backup_path: ending?.backup?.path ?? null,
        backup_size_bytes: ending?.backup?.size_bytes ?? null,
      },
    });
  }
}
