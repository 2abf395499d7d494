/** What a Veeam server's refusals mean to the person who asked. */
import { HoldfastError } from "../lib/errors.ts";
import { UpstreamError } from "../lib/upstream.ts";
import { rawOf, text } from "./decode.ts";

/** Roles of the product, as its console names them. */
export const ADMINISTRATOR = "Veeam Backup Administrator";
export const OPERATOR = "Veeam Backup Operator";
export const VIEWER = "Veeam Backup Viewer";
export const SECURITY = "Veeam Security Administrator";

/** What a hint about a missing right ends with. */
export const THE_REST = "; the rest keeps working";

/** Codes of errors after which everything else still works. */
const PARTIAL = ["veeam_forbidden", "veeam_unsupported"];

/** True when only this question cannot be answered: the role lacks a right, or the revision the call. */
export function isPartial(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && PARTIAL.includes(error.code);
}

/** The vendor's word and sentence in an error body. */
export function saidBy(body: string): { code: string | null; message: string | null } {
  try {
    const raw = rawOf(JSON.parse(body));
    return { code: text(raw, "errorCode"), message: text(raw, "message") };
  } catch {
    return { code: null, message: null };
  }
}

/** True for the refusal of a revision. */
export function isRevisionRefused(error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError) || error.upstreamStatus !== 400) return false;
  const { code, message } = saidBy(error.body);
  return code === "NotImplemented" ||
    /(version|revision)/i.test(message ?? "") && /support/i.test(message ?? "");
}

/** The account and the call an error is about. */
export interface Asked {
  server: string;
  username: string;
  revision: string | null;
  /** What was asked for, for `Cannot ...`: `read the licence`. */
  action: string;
  /** Role that may. */
  role?: string | undefined;
}

/** A refused call in words a person can act on; what is no answer of the server stays as it is. */
export function inWords(error: unknown, { server, username, revision, action, role }: Asked): unknown {
  if (!(error instanceof UpstreamError)) return error;
  const { code, message } = saidBy(error.body);
  const start = `Cannot ${action} of Veeam server "${server}"`;
  const said = message === null ? "" : `: ${message}`;
  switch (error.upstreamStatus) {
    case 401:
      return new HoldfastError("upstream", `${start}: it ended the login of "${username}"${said}`, {
        code: "veeam_login",
        hint: "was the account disabled or its password changed meanwhile?",
        cause: error,
      });
    case 403:
      return new HoldfastError("upstream", `${start}: "${username}" may not`, {
        code: "veeam_forbidden",
        hint: role === undefined ? "its role lacks the right" : `needs role "${role}"${THE_REST}`,
        cause: error,
      });
    case 404:
      return new HoldfastError("not_found", `${start}: there is no such thing${said}`, { cause: error });
    case 405:
    case 501:
      return unsupported(start, revision, error);
    case 400:
      return code === "NotImplemented" || code === "InvalidURI"
        ? unsupported(start, revision, error)
        : new HoldfastError("upstream", `${start}: it did not accept the request${said}`, { cause: error });
    case null:
      return error;
    default:
      return error.upstreamStatus !== null && error.upstreamStatus >= 500
        ? new HoldfastError("upstream", `${start}: it failed with ${error.upstreamStatus}${said}`, {
          hint: "try again; if it goes on, look at the Veeam Backup RESTful API Service there",
          cause: error,
        })
        : error;
  }
}

/** What the revision in use cannot be asked. */
export function unsupported(start: string, revision: string | null, cause?: unknown): HoldfastError {
  return new HoldfastError(
    "upstream",
    `${start}: revision ${revision ?? "unknown"} of its API has no such call`,
    {
      code: "veeam_unsupported",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/** A refused log-in. */
export function loginRefused(server: string, username: string, error: UpstreamError): HoldfastError {
  const { message } = saidBy(error.body);
  const licence = /licen[cs]e|community/i.test(message ?? "");
  return new HoldfastError(
    "upstream",
    `Cannot log in to Veeam server "${server}" as "${username}": ${message ?? "it refused"}`,
    {
      code: "veeam_login",
      hint: licence
        ? "the Community Edition has no REST API"
        : "check user and password; an account with multi-factor authentication cannot log in here: " +
          "use a service account (Users and Roles: This is a service account)",
      cause: error,
    },
  );
}
