/** Backups that stayed at their service. */
import { HoldfastError } from "../../../lib/errors.ts";
import { UpstreamError } from "../../../lib/upstream.ts";
import type { EngineContext, StoredArtifact, Verification } from "../../engine.ts";
import { askStatus, isDone } from "./job.ts";
import { HttpOptions } from "./options.ts";
import { Service } from "./service.ts";
import { addressOf, firstAt, wordOf } from "./values.ts";

/** Asks the service whether it still has the backup, as it was. Errors: `not_found` when it does not know it. */
export async function verifyRemote(artifact: StoredArtifact, context: EngineContext): Promise<Verification> {
  const { service, url } = await open(artifact, context);
  await using _ = service;
  const { status, answer } = await known(artifact, askStatus(service, url, context.signal));
  const size = Number(firstAt([answer], service.options.size_bytes));
  const sha256 = wordOf(firstAt([answer], service.options.sha256))?.toLowerCase() ?? null;
  const problems: string[] = [];
  if (!isDone(service, status)) problems.push(`Its status at ${url.host} is "${status}"`);
  if (size !== artifact.size_bytes) {
    problems.push(`Its size is ${size} bytes, recorded are ${artifact.size_bytes}`);
  }
  if (artifact.sha256 !== null && sha256 !== artifact.sha256) {
    problems.push(`Its SHA-256 is ${sha256}, recorded is ${artifact.sha256}`);
  }
  return { ok: problems.length === 0, problems, size_bytes: size, sha256, item_count: 1 };
}

/** Deletes the backup at the service, where the options say how. */
export async function removeRemote(artifact: StoredArtifact, context: EngineContext): Promise<void> {
  const { service, url } = await open(artifact, context);
  await using _ = service;
  const { remove, start } = service.options;
  if (remove === undefined) {
    context.log("warning", `The backup stays at ${url.host}: the options name no request that deletes it`);
    return;
  }
  try {
    const { answer } = await known(artifact, askStatus(service, url, context.signal));
    const method = remove.method ?? "DELETE";
    await known(artifact, service.send({ method, url: addressOf(remove.url, [answer], start.url) }));
  } catch (error) {
    // Gone already.
    if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
  }
}

async function open(
  artifact: StoredArtifact,
  context: EngineContext,
): Promise<{ service: Service; url: URL }> {
  const options = HttpOptions.safeParse(artifact.options).data;
  if (options === undefined) {
    throw new HoldfastError(
      "invalid",
      `Cannot use "${artifact.path}": the catalogue does not know its service`,
    );
  }
  const url = new URL(artifact.path);
  url.hash = "";
  return { service: await Service.open(options, context), url };
}

async function known<T>(artifact: StoredArtifact, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof UpstreamError) || (error.upstreamStatus !== 404 && error.upstreamStatus !== 410)) {
      throw error;
    }
    throw new HoldfastError("not_found", `Cannot find "${artifact.path}": its service does not know it`, {
      cause: error,
    });
  }
}
