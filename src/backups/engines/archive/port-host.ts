/** A task's host as seen through a message port. */
import type { Courtesy } from "../../../lib/courtesy.ts";
import { HoldfastError, messageOf } from "../../../lib/errors.ts";
import type { ArtifactEntry, Progress } from "../../engine.ts";
import { Cancelled, type Host, isTaskMessage, type Report, type TaskMessage } from "./protocol.ts";

const PROGRESS_EVERY_MS = 250;

/** Sends reports, and hears whether the task was cancelled. */
export class PortHost implements Host {
  #port: MessagePort;
  #cancelled: Int32Array;
  #courtesy: Courtesy;
  #reported = -PROGRESS_EVERY_MS;

  constructor(port: MessagePort, cancelled: Int32Array, courtesy: Courtesy) {
    [this.#port, this.#cancelled, this.#courtesy] = [port, cancelled, courtesy];
  }

  checkpoint(): void {
    if (Atomics.load(this.#cancelled, 0) !== 0) throw new Cancelled();
    this.#courtesy.giveWay();
  }

  progress(progress: Progress, now = false): void {
    const moment = performance.now();
    if (!now && moment - this.#reported < PROGRESS_EVERY_MS) return;
    this.#reported = moment;
    this.#send({ report: "progress", progress });
  }

  log(level: "info" | "warning", text: string): void {
    this.#send({ report: "log", level, text });
  }

  entries(entries: ArtifactEntry[]): Promise<void> {
    return new Promise((resolve) => {
      // The only thing a host says during a task is that it wants more.
      this.#port.addEventListener("message", () => resolve(), { once: true });
      this.#send({ report: "entries", entries });
    });
  }

  /** Runs every task that comes. */
  serve(run: (task: TaskMessage["task"], host: Host) => Promise<unknown>): void {
    this.#port.addEventListener("message", (event) => {
      if (isTaskMessage(event.data)) this.#answer(run(event.data.task, this));
    });
    this.#port.start();
  }

  /** Reports how a task ends. */
  async #answer(task: Promise<unknown>): Promise<void> {
    try {
      this.#send({ report: "done", result: await task });
    } catch (error) {
      this.#send(error instanceof Cancelled ? { report: "cancelled" } : failure(error));
    }
  }

  #send(report: Report<unknown>): void {
    this.#port.postMessage(report);
  }
}

function failure(error: unknown): Report<never> {
  const known = error instanceof HoldfastError ? error : undefined;
  return {
    report: "failed",
    kind: known?.kind ?? "internal",
    code: known?.code ?? "internal",
    message: messageOf(error),
    hint: known?.hint,
    stack: error instanceof Error ? error.stack ?? "" : "",
  };
}
