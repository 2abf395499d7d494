/** Does what a plan says, step by step; what cannot be done is told and does not keep the rest from being done. */
import { messageOf } from "../lib/errors.ts";
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
  result: "done" | "failed" | "blocked" | "waits";
  /** Why it was not done; null when it was. */
  reason: string | null;
}

/** A step that needs what could not be made. */
class Missing extends Error {}

/** Applies steps in their order. Errors: those that concern every further step (a refused key, no network, an abort). */
export async function applySteps(
  client: CloudConnexaClient,
  steps: readonly Step[],
  actual: Pick<Actual, "entries">,
  options: CallOptions,
  onDone: (outcome: Outcome) => void = () => {},
): Promise<Outcome[]> {
  const ids = new Map([...actual.entries.values()].map(({ key, id }) => [key, id ?? ""]));
  const outcomes: Outcome[] = [];
  for (const step of steps) {
    const outcome = await applyStep(client, step, ids, options);
    outcomes.push(outcome);
    onDone(outcome);
  }
  return outcomes;
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
