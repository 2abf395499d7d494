/** Progress on its way to a run: at most a few times a second, and the last word always. */
import type { EngineContext, Progress } from "../../engine.ts";

const EVERY_MS = 250;

/** Reports the progress of one phase. */
export class Meter {
  readonly #context: Pick<EngineContext, "progress">;
  #last = -EVERY_MS;

  constructor(context: Pick<EngineContext, "progress">) {
    this.#context = context;
  }

  /** `final`: not to be left out. */
  report(update: Progress, final = false): void {
    const now = performance.now();
    if (!final && now - this.#last < EVERY_MS) return;
    this.#last = now;
    this.#context.progress(update);
  }
}
