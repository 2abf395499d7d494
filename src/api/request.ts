/** Reading what an operation is given: path, query, body, within limits. */
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { coerceTexts } from "../lib/fields.ts";
import type { Operation } from "../lib/operation.ts";

/** The raw input of an operation from a request; the operation's schema judges it afterwards. */
export async function readInput(
  op: Operation,
  request: Request,
  url: URL | null,
  path: Record<string, string>,
  maxBodyBytes: number,
): Promise<Record<string, unknown>> {
  const fromPath = { ...coerceTexts(op.input, path), ...resumed(op, request) };
  if (request.method === "GET" || request.method === "HEAD" || request.method === "DELETE") {
    return { ...(url === null ? {} : coerceTexts(op.input, queryTexts(url.searchParams))), ...fromPath };
  }
  const text = op.body === "cut" ? await readCut(request) : await readText(request, maxBodyBytes);
  return { ...readBody(op, request, text, url), ...fromPath };
}

/** True when a client would rather have events than JSON (RFC 9110 section 12.5.1); who does not mind gets JSON. */
export function prefersEvents(request: Request): boolean {
  const accept = (request.headers.get("accept") ?? "").toLowerCase();
  return accept.includes("text/event-stream") &&
    qualityOf(accept, ["text/event-stream"]) >
      qualityOf(accept, ["application/json", "application/*", "*/*"]);
}

/** The weight of the first of these types, the most exact one, that is listed; 0 when none is. */
function qualityOf(accept: string, types: readonly string[]): number {
  const listed = new Map(
    accept.split(",").map((range) => {
      const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return [type, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
    }),
  );
  return listed.get(types.find((type) => listed.has(type)) ?? "") ?? 0;
}

/** Where an event stream is resumed: browsers send the last id they saw as a header (HTML, section 9.2.4). */
function resumed(op: Operation, request: Request): { last_event_id?: string } {
  const id = op.stream ? request.headers.get("last-event-id") : null;
  return id === null || !("last_event_id" in op.input.shape) ? {} : { last_event_id: id };
}

function readBody(op: Operation, request: Request, text: string, url: URL | null): Record<string, unknown> {
  if (op.body === "text" || op.body === "cut") {
    return { ...(url === null ? {} : coerceTexts(op.input, queryTexts(url.searchParams))), body: text };
  }
  if (text === "") return {};
  const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") {
    // Browsers send forms across origins without asking; only operations that are public take them.
    if (op.body !== "form") throw wrongType(type);
    return coerceTexts(op.input, queryTexts(new URLSearchParams(text)));
  }
  if (type !== "application/json" && !type.endsWith("+json")) throw wrongType(type);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read the request: the body is not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HoldfastError("invalid", "Cannot read the request: the body must be a JSON object");
  }
  return { ...value };
}

function wrongType(type: string): HoldfastError {
  return new HoldfastError(
    "invalid",
    `Cannot read the request: content type "${type}" is not application/json`,
    {
      hint: 'send the header "Content-Type: application/json"',
    },
  );
}

/** In one pass: looking each name up by itself takes minutes for a body of a hundred thousand names. */
function queryTexts(parameters: URLSearchParams): Record<string, string | string[]> {
  const texts = new Map<string, string[]>();
  for (const [name, value] of parameters) {
    const values = texts.get(name);
    if (values === undefined) texts.set(name, [value]);
    else values.push(value);
  }
  return Object.fromEntries(
    [...texts].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  );
}

/** The body as text, never more than the limit in memory, whatever `Content-Length` claims. */
async function readText(request: Request, limit: number): Promise<string> {
  if (request.body === null) return "";
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  const { chunks, size } = await readChunks(request.body, limit + 1);
  if (size > limit) throw tooLarge(limit);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new HoldfastError("invalid", "Cannot read the request: the body is not UTF-8 text");
  }
}

/** What is read of a body of which the beginning is enough. */
const CUT_BYTES = 64 * 1024;

/** The beginning of the body as text; what is longer or no UTF-8 is no reason to refuse what it says. */
async function readCut(request: Request): Promise<string> {
  if (request.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let left = CUT_BYTES;
  for (const chunk of (await readChunks(request.body, CUT_BYTES)).chunks) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    left = Math.max(0, left - chunk.byteLength);
  }
  return text;
}

/**
 * The body to its end, or until there are `enough` bytes of it; the rest is not read. No `for await`: that gives the stream
 * back when it is at its end, which takes a tenth of the time of a small request.
 */
async function readChunks(
  body: ReadableStream<Uint8Array>,
  enough: number,
): Promise<{ chunks: Uint8Array[]; size: number }> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < enough) {
    const { value, done } = await reader.read();
    if (done) return { chunks, size };
    chunks.push(value);
    size += value.byteLength;
  }
  await reader.cancel();
  return { chunks, size };
}

function tooLarge(limit: number): HoldfastError {
  return new HoldfastError("invalid", `Cannot read the request: the body is larger than ${limit} bytes`, {
    code: "body_too_large",
    hint: "api.max_body_bytes sets the limit",
  });
}
