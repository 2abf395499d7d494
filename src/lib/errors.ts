/**
 * The one family of errors, and the one table that gives each kind its HTTP status and its exit code.
 *
 * Throw where you know what is wrong; catch only where you can decide something. The message is for the
 * person who asked ("Cannot start run "nightly": already running"); `cause` keeps what happened below.
 * Errors of kind `internal` are logged whole and shown as "Internal error", whatever their message.
 */

/** Kinds of error, each with its HTTP status, its process exit code and its problem title (RFC 9457). */
export const ERROR_KINDS = {
  internal: { status: 500, exit: 1, title: "Internal error" },
  invalid: { status: 400, exit: 2, title: "Invalid request" },
  unauthenticated: { status: 401, exit: 3, title: "Not authenticated" },
  forbidden: { status: 403, exit: 4, title: "Not allowed" },
  not_found: { status: 404, exit: 5, title: "Not found" },
  conflict: { status: 409, exit: 6, title: "Conflict" },
  rate_limited: { status: 429, exit: 7, title: "Too many requests" },
  upstream: { status: 502, exit: 8, title: "Upstream failed" },
  unavailable: { status: 503, exit: 9, title: "Unavailable" },
  exhausted: { status: 507, exit: 10, title: "Out of space" },
} as const;

/** The word for what went wrong; a key of {@linkcode ERROR_KINDS}. */
export type ErrorKind = keyof typeof ERROR_KINDS;

/** Exit code for "the command worked and the answer is bad": a failed verify, drift, a missing backup. */
export const EXIT_BAD_ANSWER = 20;
/** Exit code after SIGINT, as shells expect it. */
export const EXIT_INTERRUPTED = 130;

/** One problem inside the input: where it is (`engine_options.sources[0]`) and what is wrong with it. */
export interface FieldError {
  path: string;
  message: string;
}

/** What an error may say beyond its kind and message. */
export interface ErrorDetails {
  /** Machine-readable reason, stable across releases; default: the kind. */
  code?: string;
  /** Each wrong field of the input. */
  errors?: FieldError[];
  /** Seconds after which the same request may succeed; becomes `Retry-After`. */
  retry_after_seconds?: number;
  /** What the person can do next; printed by the command line on a line of its own. */
  hint?: string;
  cause?: unknown;
}

/** The error every part of Holdfast throws for a failure a caller may want to tell apart. */
export class HoldfastError extends Error {
  override readonly name: string = "HoldfastError";
  readonly kind: ErrorKind;
  readonly code: string;
  readonly errors: FieldError[];
  readonly retryAfterSeconds: number | undefined;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.code = details.code ?? kind;
    this.errors = details.errors ?? [];
    this.retryAfterSeconds = details.retry_after_seconds;
    this.hint = details.hint;
  }

  get status(): number {
    return ERROR_KINDS[this.kind].status;
  }

  get exitCode(): number {
    return ERROR_KINDS[this.kind].exit;
  }
}

/** An error over the wire: `application/problem+json` (RFC 9457) that keeps `detail` and `status`. */
export interface Problem {
  detail: string;
  status: number;
  title: string;
  code: string;
  request_id: string;
  errors: FieldError[];
  hint?: string;
}

/** The problem document for any thrown value; what is not a `HoldfastError` shows as an internal error. */
export function toProblem(error: unknown, requestId: string): Problem {
  const known = error instanceof HoldfastError ? error : undefined;
  const kind = known?.kind ?? "internal";
  return {
    detail: kind === "internal" ? "Internal error" : known!.message,
    status: ERROR_KINDS[kind].status,
    title: ERROR_KINDS[kind].title,
    code: known?.code ?? "internal",
    request_id: requestId,
    errors: known?.errors ?? [],
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  };
}

/** The error a problem document stands for, so that a remote failure reads and exits like a local one. */
export function fromProblem(status: number, body: unknown, retryAfterSeconds?: number): HoldfastError {
  const { detail, code, errors, hint }: { [field in keyof Problem]?: unknown } =
    typeof body === "object" && body !== null ? body : {};
  const message = typeof detail === "string" ? detail : `The server answered ${status}`;
  return new HoldfastError(kindOf(status), message, {
    ...(typeof code === "string" ? { code } : {}),
    ...(Array.isArray(errors) ? { errors: errors.filter(isFieldError) } : {}),
    ...(typeof hint === "string" ? { hint } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }),
  });
}

/** The kind behind a status; of one that no kind has, the general one. */
function kindOf(status: number): ErrorKind {
  const isKind = (word: string): word is ErrorKind => Object.hasOwn(ERROR_KINDS, word);
  const known = Object.keys(ERROR_KINDS).filter(isKind).find((kind) => ERROR_KINDS[kind].status === status);
  return known ?? (status >= 500 ? "internal" : "invalid");
}

function isFieldError(item: unknown): item is FieldError {
  return typeof item === "object" && item !== null && "path" in item && typeof item.path === "string" &&
    "message" in item && typeof item.message === "string";
}

/**
 * The message of any thrown value, for joining into another sentence. What the runtime keeps from every compiled program,
 * whoever runs it, it tells as advice to who compiles one: that is said as what it is.
 */
export function messageOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable && error.message.startsWith("Requires all access")) {
    return "it belongs to the operating system, as all of /proc, /sys and /dev";
  }
  return error instanceof Error ? error.message : String(error);
}

/** The nearest of `candidates` to a misspelt `word`, or undefined when none is near (edit distance <= 3). */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.ceil(word.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length]!;
}
