/**
 * Does what a plan says, step by step; what cannot be done is told and does not keep the rest from being done. What would keep
 * every further step from being done as well ends it, and then too it is told what was done by then.
 */
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { CloudConnexaClient } from "./client.ts";
import type { CallOptions } from "./connection.ts";
import { ApiError, NotFoundError, PermissionError, ValidationError } from "./errors.ts";
import { mapRefs } from "./picture.ts";
import type { Step } from "./plan.ts";
import type { Actual } from "./reader.ts";
import { resourceOf } from "./resources.ts";
import { SETTING_NAMES } from "./schemas/settings.ts";

/** What became of a step. */
export interface Outcome {
  step: Step;
  result: "done" | "failed" | "blocked" | "waits" | "skipped";
  /** Why it was not done; null when it was, and when it was not tried. */
  reason: string | null;
}

/** What became of all steps. */
export interface Applied {
  outcomes: Outcome[];
  /** What ended it before the last step, when something was done by then: a refused key, no network, an abort. */
  stopped: HoldfastError | null;
}

/** A step that needs what could not be made. */
class Missing extends Error {}

/**
 * Applies steps in their order; `onStep` is told how many are over. Errors: those that concern every further step, while nothing
 * was done yet.
 */
export async function applySteps(
  client: CloudConnexaClient,
  steps: readonly Step[],
  actual: Pick<Actual, "entries">,
  options: CallOptions,
  onStep: (over: number) => void = () => {},
): Promise<Applied> {
  const ids = new Map([...actual.entries.values()].map(({ key, id }) => [key, id ?? ""]));
  const outcomes: Outcome[] = [];
  for (const [over, step] of steps.entries()) {
    onStep(over);
    try {
      outcomes.push(await applyStep(client, step, ids, options));
    } catch (error) {
      const stopped = stopOf(error, options.signal);
      if (stopped === undefined || !outcomes.some(({ result }) => result === "done")) throw error;
      outcomes.push({ step, result: "failed", reason: stopped.message });
      for (const rest of steps.slice(over + 1)) {
        outcomes.push({ step: rest, result: "skipped", reason: null });
      }
      return { outcomes, stopped };
    }
  }
  return { outcomes, stopped: null };
}

/** Why no further step is tried; undefined for a defect. */
function stopOf(error: unknown, signal: AbortSignal | undefined): HoldfastError | undefined {
  if (signal?.aborted) {
    return new HoldfastError("unavailable", "Interrupted while it was being done, so it may be done or not", {
      code: "interrupted",
      cause: error,
    });
  }
  return error instanceof HoldfastError ? error : undefined;
}

async function applyStep(
  client: CloudConnexaClient,
  step: Step,
  ids: Map<string, string>,
  options: CallOptions,
): Promise<Outcome> {
  if (step.blocked !== null) return { step, result: "blocked", reason: step.blocked };
  try {
    await send(client, step, ids, options);
    return { step, result: "done", reason: null };
  } catch (error) {
    if (error instanceof Missing) return { step, result: "waits", reason: error.message };
    const concernsThis = error instanceof ValidationError || error instanceof NotFoundError ||
      error instanceof PermissionError || error instanceof ApiError;
    if (!concernsThis) throw error;
    return { step, result: "failed", reason: messageOf(error) };
  }
}

async function send(
  client: CloudConnexaClient,
  { action, kind, key, name, id, parent, body }: Step,
  ids: Map<string, string>,
  options: CallOptions,
): Promise<void> {
  if (kind === "settings") {
    const setting = SETTING_NAMES.find((one) => one === name);
    if (setting !== undefined) await client.settings.setUnknown(setting, body.value, options);
    return;
  }
  const resource = resourceOf(kind);
  const idOf = (ref: string): string => {
    const found = ids.get(ref);
    if (found !== undefined) return found;
    throw new Missing(`it needs "${ref}", which is not there`);
  };
  const parentId = parent === null ? "" : idOf(parent);
  if (action === "delete") return await resource.delete(client, id ?? "", parentId, options);
  const json = mapRefs(kind, body, (ref) => ref.includes("/") ? idOf(ref) : ref);
  if (action === "update") {
    await resource.update(client, id ?? idOf(key), json, parentId, options);
    return;
  }
  ids.set(key, (await resource.create(client, json, parentId, options)).id);
}
