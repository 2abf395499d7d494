/**
 * The errors of the CloudConnexa client: one family, so that a program can tell apart what it can mend.
 *
 * Refused credentials are an upstream failure to whoever asks Holdfast (502), not a reason to log in again; what the API says
 * about the input is the input's fault (400), and a rate limit is passed on (429).
 */
import { z } from "zod";
import { type ErrorDetails, type ErrorKind, HoldfastError } from "../lib/errors.ts";
import type { UpstreamError } from "../lib/upstream.ts";

/** What an error of this family says beyond the message. */
export interface CloudConnexaErrorDetails extends ErrorDetails {
  /** Status the API answered with; null when it did not answer or was not asked. */
  api_status?: number | null;
  /** What it answered, secrets struck out, at most 2,000 characters. */
  body?: string;
}

/** Anything that went wrong between the client and the API. */
export class CloudConnexaError extends HoldfastError {
  override readonly name: string = "CloudConnexaError";
  /** Status the API answered with; null when it did not answer or was not asked. */
  readonly apiStatus: number | null;
  /** What it answered, secrets struck out, at most 2,000 characters. */
  readonly body: string;

  constructor(kind: ErrorKind, message: string, details: CloudConnexaErrorDetails = {}) {
    super(kind, message, details);
    this.apiStatus = details.api_status ?? null;
    this.body = details.body ?? "";
  }
}

/** The key was refused: wrong, expired, or API access is switched off. */
export class AuthenticationError extends CloudConnexaError {
  override readonly name = "AuthenticationError";
  constructor(message: string, details: CloudConnexaErrorDetails = {}) {
    super("upstream", message, { code: "vpn_authentication", ...details });
  }
}

/** The key is good and may not do this (403). */
export class PermissionError extends CloudConnexaError {
  override readonly name = "PermissionError";
  constructor(message: string, details: CloudConnexaErrorDetails = {}) {
    super("upstream", message, { code: "vpn_permission", ...details });
  }
}

/** There is no such thing, or no such call in the tenant's release of the API (404). */
export class NotFoundError extends CloudConnexaError {
  override readonly name = "NotFoundError";
  constructor(message: string, details: CloudConnexaErrorDetails = {}) {
    super("not_found", message, details);
  }
}

/** What the API says about one field or none: `errorDetails` of its answer. */
export interface ApiProblem {
  errorCode: string;
  message: string;
  params: Record<string, unknown>;
}

/** The input was refused, by the API (400) or already here. */
export class ValidationError extends CloudConnexaError {
  override readonly name = "ValidationError";
  /** The API's own list, by what each problem is about; empty when the input was refused here. */
  readonly errorDetails: Readonly<Record<string, readonly ApiProblem[]>>;
  constructor(
    message: string,
    details: CloudConnexaErrorDetails & { error_details?: Record<string, ApiProblem[]> } = {},
  ) {
    super("invalid", message, details);
    this.errorDetails = details.error_details ?? {};
  }
}

/** The rate limit was hit again and again until patience ended (429). */
export class RateLimitError extends CloudConnexaError {
  override readonly name = "RateLimitError";
  constructor(message: string, details: CloudConnexaErrorDetails = {}) {
    super("rate_limited", message, details);
  }
}

/** The API failed, or what answered is not the API. */
export class ApiError extends CloudConnexaError {
  override readonly name = "ApiError";
  constructor(message: string, details: CloudConnexaErrorDetails = {}) {
    super("upstream", message, details);
  }
}

/** Nobody answered. */
export class NetworkError extends CloudConnexaError {
  override readonly name = "NetworkError";
  constructor(message: string, details: CloudConnexaErrorDetails = {}) {
    super("upstream", message, { code: "vpn_network", ...details });
  }
}

/** What a failed call was, for the sentence about it. */
export interface FailedCall {
  /** `list networks`. */
  action: string;
  /** `CloudConnexa tenant "acme"`. */
  tenant: string;
  /** Why a 404 may mean that the call does not exist there. */
  hint?: string | undefined;
  /** Seconds until a call has a chance again. */
  retryAfterSeconds?: number | undefined;
}

const KEY_HINT =
  "it is wrong or expired (keys live two weeks to one year), its subnets do not include this " +
  "host, or API access is switched off for the tenant";

/** The error of this family that an upstream error is. */
export function errorOf(error: UpstreamError, call: FailedCall): CloudConnexaError {
  const { upstreamStatus: status, body, code } = error;
  const start = `Cannot ${call.action} at ${call.tenant}`;
  const details = { api_status: status, body, cause: error };
  if (code === "too_large") {
    return new ApiError(`${start}: ${error.message.replace(/^.*: it is larger/s, "the answer is larger")}`, {
      ...details,
      code,
    });
  }
  if (code === "not_json") return new ApiError(error.message, { ...details, code });
  switch (status) {
    case null:
      return new NetworkError(error.message, { ...details, ...(error.hint ? { hint: error.hint } : {}) });
    case 401:
      return new AuthenticationError(`${start}: the API key was refused`, { ...details, hint: KEY_HINT });
    case 403:
      return new PermissionError(`${start}: the API key may not do this`, {
        ...details,
        hint: "keys have a permission for reading and one for changing each kind of thing, see the portal",
      });
    case 404: {
      const said = reasonIn(body);
      return new NotFoundError(`${start}: there is none${said === undefined ? "" : ` (${said})`}`, {
        ...details,
        ...(call.hint === undefined ? {} : { hint: call.hint }),
      });
    }
    case 400:
    case 406:
    case 409:
    case 422:
      return refused(start, details, body);
    case 429:
      return new RateLimitError(`${start}: the rate limit of the key is used up`, {
        ...details,
        ...(call.retryAfterSeconds === undefined ? {} : { retry_after_seconds: call.retryAfterSeconds }),
      });
    default:
      return new ApiError(`${start}: it answered ${status}${suffix(reasonIn(body))}`, details);
  }
}

const Said = z.object({
  errorDetails: z.record(
    z.string(),
    z.array(z.object({
      errorCode: z.string().nullish().transform((text) => text ?? ""),
      message: z.string().nullish().transform((text) => text ?? ""),
      params: z.record(z.string(), z.unknown()).nullish().transform((params) => params ?? {}),
    })),
  ).nullish(),
  errorMessage: z.string().nullish(),
  message: z.string().nullish(),
  error: z.string().nullish(),
  statusError: z.string().nullish(),
});

function refused(start: string, details: CloudConnexaErrorDetails, body: string): ValidationError {
  const byTopic = parseSaid(body)?.errorDetails ?? {};
  const errors = Object.entries(byTopic).flatMap(([path, problems]) =>
    problems.map(({ message, errorCode }) => ({ path, message: message === "" ? errorCode : message }))
  );
  const said = reasonIn(body) ?? errors.map(({ message }) => message).join("; ");
  return new ValidationError(`${start}: the API refused it${suffix(said === "" ? undefined : said)}`, {
    ...details,
    errors,
    error_details: byTopic,
  });
}

function parseSaid(body: string): z.output<typeof Said> | undefined {
  try {
    return Said.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** What the body says, in a line. */
function reasonIn(body: string): string | undefined {
  const said = parseSaid(body);
  const text = said?.errorMessage ?? said?.message ?? said?.error ?? said?.statusError ?? undefined;
  if (text !== undefined && text !== "") return text;
  if (/^\s*<(!doctype|html)/i.test(body)) return "an HTML page, as a proxy sends it";
  const line = body.trim().split("\n")[0] ?? "";
  return line === "" || line.length > 200 || /^[[{]/.test(line) ? undefined : line;
}

function suffix(text: string | undefined): string {
  return text === undefined ? "" : `: ${text}`;
}
