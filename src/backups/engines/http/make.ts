/** A backup that a service makes: downloaded, or known by where it is. */
import { isIP } from "node:net";
import { isPublicAddress } from "../../../lib/address.ts";
import { HoldfastError } from "../../../lib/errors.ts";
import type { Artifact, EngineContext, MakeRequest } from "../../engine.ts";
import { makeDump } from "../dump/artifact.ts";
import { destinationProblems } from "../dump/destination.ts";
import type { Content } from "../dump/protocol.ts";
import { openSink } from "../dump/work.ts";
import { download } from "./download.ts";
import { type Finished, runJob } from "./job.ts";
import type { HttpOptions } from "./options.ts";
import { Service } from "./service.ts";
import { addressOf, firstAt, wordOf } from "./values.ts";

/** One sentence per problem. Names are not looked up: that is done when connecting. */
export async function checkOptions(options: HttpOptions): Promise<string[]> {
  const { hostname, host } = new URL(options.start.url);
  const address = hostname.replace(/^\[|\]$/g, "");
  const refused = isIP(address) !== 0 && options.allow_private !== true && !isPublicAddress(address);
  return [
    ...(refused ? [`Address ${host} is not public: an administrator can set allow_private to true`] : []),
    ...(options.destination === undefined ? [] : await destinationProblems(options.destination)),
  ];
}

/** Makes one artifact. */
export async function make(request: MakeRequest<HttpOptions>, context: EngineContext): Promise<Artifact> {
  const { options, name } = request;
  const problems = await checkOptions(options);
  if (problems.length > 0) {
    throw new HoldfastError("invalid", `Cannot make backup "${name}": ${problems.join("; ")}`);
  }
  context.signal.throwIfAborted();
  warnOfPlainText(options, context);
  await using service = await Service.open(options, context);
  const { download: wanted, destination } = options;
  if (wanted === undefined || destination === undefined) {
    return remoteArtifact(service, name, await runJob(service, context));
  }
  const suffix = wanted.suffix ?? ".bin";
  return await makeDump({ ...request, options: { destination } }, {
    engine: "http",
    suffix,
    content: name + suffix,
    compression: "none",
    async produce(partial) {
      const { answers } = await runJob(service, context);
      const url = addressOf(wanted.url, answers, options.start.url);
      using sink = openSink({ task: "write", path: partial, compression: "none", marker: null }, context);
      await download(service, url, context, (piece) => sink.write(piece));
      const written = await sink.finish();
      requireAsTold(service, answers, url, written);
      return { written, facts: { host: url.host } };
    },
  }, context);
}

/** Secrets in headers are readable by everybody on the way. */
function warnOfPlainText({ start }: HttpOptions, context: EngineContext): void {
  const { protocol, host } = new URL(start.url);
  const secret = Object.values(start.headers ?? {}).some((value) => typeof value !== "string");
  if (protocol === "http:" && secret) context.log("warning", `Secrets go to ${host} without encryption`);
}

/** What came has to be what the service says it has made. */
function requireAsTold(service: Service, answers: readonly unknown[], url: URL, written: Content): void {
  const { size_bytes, sha256 } = service.options;
  const size = Number(firstAt(answers, size_bytes) ?? written.size_bytes);
  const hash = wordOf(firstAt(answers, sha256))?.toLowerCase() ?? written.sha256;
  if (size === written.size_bytes && hash === written.sha256) return;
  const why = size === written.size_bytes
    ? `its SHA-256 is ${written.sha256}, told was ${hash.slice(0, 64)}`
    : `it has ${written.size_bytes} bytes, told were ${size}`;
  throw new HoldfastError("upstream", `Cannot trust the download from ${url.host}: ${why}`, {
    code: "not_as_told",
  });
}

/** A backup that stays at the service. */
function remoteArtifact(service: Service, name: string, { statusUrl, answers }: Finished): Artifact {
  const { size_bytes, sha256, start } = service.options;
  const url = statusUrl ?? new URL(start.url);
  const size = Number(firstAt(answers, size_bytes));
  if (!(size > 0)) {
    throw new HoldfastError(
      "upstream",
      `Cannot record the backup at ${url.host}: it tells no size at ${size_bytes}`,
      {
        code: "no_value",
        hint: "a backup without a size may be none",
      },
    );
  }
  // The name keeps apart what a service tells at one address.
  const path = new URL(url);
  path.hash = name;
  return {
    path: path.href,
    size_bytes: size,
    sha256: wordOf(firstAt(answers, sha256))?.toLowerCase() ?? null,
    source_bytes: size,
    item_count: 1,
    skipped: [],
    incomplete: false,
    verified: true,
  };
}
