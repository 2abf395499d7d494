/** Answers of upstreams, good and bad, and what they say. */
import { HoldfastError } from "./errors.ts";

/** One answer, read whole. */
export interface UpstreamAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** An upstream that refused, failed or could not be reached. */
export class UpstreamError extends HoldfastError {
  override readonly name = "UpstreamError";
  /** HTTP status, or null when there was no answer. */
  readonly upstreamStatus: number | null;
  /** Body of the answer, secrets struck out, at most 2,000 characters. */
  readonly body: string;
  /** Seconds the upstream asked to wait. */
  readonly waitSeconds: number | undefined;

  constructor(
    message: string,
    details: {
      status: number | null;
      body?: string;
      code?: string;
      hint?: string;
      wait?: number | undefined;
      cause?: unknown;
    },
  ) {
    super("upstream", message, {
      ...(details.code === undefined ? {} : { code: details.code }),
      ...(details.hint === undefined ? {} : { hint: details.hint }),
      ...(details.cause === undefined ? {} : { cause: details.cause }),
    });
    this.upstreamStatus = details.status;
    this.body = details.body ?? "";
    this.waitSeconds = details.wait;
  }
}

/** `Retry-After` in seconds, as a number or a date (RFC 9110, section 10.2.3). */
export function waitSeconds(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000);
}

/** What an error body says in its usual places, or undefined. */
export function reasonOf(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) return undefined;
    for (const key of ["message", "detail", "error_description", "errorMessage", "error", "title"]) {
      const said: unknown = Reflect.get(value, key);
      if (typeof said === "string" && said !== "") return said;
    }
  } catch {
    if (/^\s*<(!doctype|html)/i.test(body)) return "an HTML page, as a proxy sends it";
    const line = body.trim().split("\n")[0] ?? "";
    if (line !== "" && line.length <= 200) return line;
  }
  return undefined;
}

/** Why an answer is no JSON. */
export function notJson(answer: UpstreamAnswer): string {
  return /^\s*<(!doctype|html)/i.test(answer.text)
    ? "it is an HTML page, as a proxy or a login page sends it"
    : "it is not JSON";
}

/** The first cause of an error. */
export function deepest(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? deepest(error.cause) : error;
}
