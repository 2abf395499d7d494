/**
 * The operation: each thing that can be asked is stated once, and `invoke()` is the only way in.
 *
 * HTTP, the OpenAPI document, the command line and in-process calls are projections of a list of operations.
 * `invoke()` checks the role, parses the input, checks the server assignment, runs the operation and makes sure
 * that every write leaves an audit line, so no projection can skip a step.
 */
import type { z } from "zod";
import { type ErrorKind, HoldfastError } from "./errors.ts";
import type { Progress } from "./progress.ts";

/** Roles in rising order; each may do what the ones before it may. */
export const ROLES = ["public", "user", "operator", "admin"] as const;
/** What a caller may do, and what an operation demands. */
export type Role = typeof ROLES[number];

/** Who is asking. Made by the projections, never by slices. */
export interface Caller {
  kind: "anonymous" | "user" | "key" | "local" | "system";
  /** User or key id; 0 for `local` and `system`. */
  id: number;
  /** `ada`, `key:agent-1`, `local:root`, `system:schedules-dispatch`. */
  name: string;
  role: Role;
  /** Server ids this caller is limited to; null when not limited. */
  servers: readonly number[] | null;
  /** True for the local socket and in-process calls: such a caller is on this host already, so paths it names are not confined. */
  on_host: boolean;
  /** Peer address, where there is one. */
  address: string | null;
  request_id: string;
  /** The operation being invoked; set by `invoke()`. */
  operation: string;
  /** Login session behind a token, for log-out. */
  session_id: string | null;
  /** Aborts when the person goes away or interrupts. */
  signal: AbortSignal;
  /** Takes how far an operation with `progress` is, where somebody watches. */
  report?: (update: Progress) => void;
  /** Takes rows of an operation with `parts` as they are read; the answer is what is left of it. */
  take?: (rows: readonly unknown[]) => void;
  /** Audit lines written so far on this call; the store counts them up. */
  trail: { lines: number };
}

/** How one input field looks as a flag; by default `some_field` is `--some-field`. */
export interface FlagSpec {
  /** Long flag with its value name: `--cron <expression>`. */
  flag?: string;
  short?: string;
  description?: string;
  /** Turns the flag's text into the field's value; default: by the field's type. */
  parse?: (text: string) => unknown;
  /** A path on the caller's host: the command line makes it absolute. */
  path?: boolean;
  /** Variable that holds the field's text where the flag is not given, as `parse` does not see it. */
  env?: string;
  /** A field that is an argument is a flag as well. */
  both?: boolean;
  /** Not offered on the command line. */
  hidden?: boolean;
}

/** A table column: a key of the row (dots reach inside), its heading, and how the cell reads. */
export interface ColumnSpec {
  key: string;
  title?: string;
  /** `bytes`, `instant`, `duration` and `percent` format numbers and instants; default is the value as text. */
  format?: "bytes" | "instant" | "duration" | "percent" | "boolean" | "list";
  align?: "right";
  /** Of no use when cut: such a table is rather wider than the terminal. */
  whole?: boolean;
  /** A sentence, which goes on below itself where others are cut. */
  wrap?: boolean;
}

/** One part of a report. */
export interface SectionSpec {
  title?: string;
  text?: string;
  rows?: readonly unknown[];
  columns?: readonly ColumnSpec[];
}

/** What the command line needs beyond the operation itself. */
export interface CliSpec<Output = unknown> {
  /** Command words, when not the operation's name. `null`: not on the command line. */
  command?: string | null;
  /** Positional arguments by field; `name?` optional, `name...` repeated. */
  args?: readonly string[];
  /** Flags by field, or by a path inside one (`engine_options.sources`). */
  flags?: Record<string, FlagSpec>;
  /** Whole command lines, shown in `--help`. */
  examples?: readonly string[];
  columns?: readonly ColumnSpec[];
  /** The rows inside the answer; default: the answer when it is an array. */
  rows?(output: Output): readonly unknown[];
  /** The answer as text for people, instead of a table; `columns` of a terminal, 0 where it is none. */
  text?(output: Output, columns?: number): string;
  /** The answer as rows for a spreadsheet, where a person reads it as text or sections. */
  sheet?(output: Output): readonly unknown[];
  /** The answer as a whole HTML page of its own, instead of the usual one. */
  page?(output: Output): string;
  /** What is said beside a table, on standard error. */
  notes?(output: Output): readonly string[];
  /** Further words for `--sort-by`, in lower case, and the fields they mean: those of an earlier tool. */
  sort?: Readonly<Record<string, string>>;
  /** The answer as several headed texts and tables, instead of one: a report, on the terminal and as HTML. */
  sections?(output: Output): readonly SectionSpec[];
  /** A line for an event of a stream that is neither a line nor progress; null for none. */
  event?(output: Output): string | null;
  /** Exit code for a command that worked; default 0. */
  exit?(output: Output): number;
  /** Asked before the call unless `--yes`; a terminal is needed to answer. */
  confirm?: string;
  /** A field read from standard input or a hidden prompt, never from an argument. */
  secret?: { field: string; prompt: string };
  /** Operation to follow after this one: `--wait`, and always when no daemon runs. */
  follow?: { operation: string; input(output: Output): Record<string, unknown> };
  /** A flag that goes on watching after the answer: the streaming operation, and the fields of the input it takes. */
  watch?: { flag: string; operation: string; fields: readonly string[] };
}

/** One thing that can be asked. */
export interface Operation<
  App = unknown,
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
> {
  /** `schedules.create`: the slice, then the verb; also the command `holdfast schedules create`. */
  readonly name: string;
  /** Method and path: `POST /api/v1/servers/{server}`; path parameters are input fields. */
  readonly route: string;
  /** Further routes with the same shapes. */
  readonly aliases?: readonly string[];
  readonly role: Role;
  /**
   * How server assignment applies to callers that are limited to servers. A function names the server of the
   * thing asked for; `filtered` means the service leaves foreign rows out; `own` is about the caller alone.
   * Without it a limited caller needs the role operator.
   */
  readonly scope?:
    | "filtered"
    | "own"
    | { server(app: App, input: z.output<Input>): Promise<number | null> };
  readonly summary: string;
  readonly description?: string;
  readonly input: Input;
  readonly output: Output;
  /** Status of success; 200 when absent, 204 answers without a body. */
  readonly status?: number | { of(output: z.output<Output>): number };
  /**
   * How a body is read; `form` also accepts JSON, `text` puts the raw text into the field `body`, `cut` the beginning
   * of it, whatever its length and its bytes.
   */
  readonly body?: "json" | "form" | "text" | "cut";
  /** The answer is an async iterable of events: SSE over HTTP, lines on the terminal. */
  readonly stream?: boolean;
  /**
   * Takes long, and tells `caller.report` how far it is. Over HTTP whoever accepts events rather than JSON gets its
   * progress as SSE, whose last event holds the answer; the command line shows it.
   */
  readonly progress?: boolean;
  /** A list that may be long, of which `caller.take` takes the rows, where somebody prints them as they come. */
  readonly parts?: boolean;
  /** Path at which the stream is also offered as JSON texts over a WebSocket. */
  readonly websocket?: string;
  /** A write that is no change worth an audit line (a token refresh, a ping). */
  readonly unaudited?: boolean;
  /** Reads and writes nothing that is stored: without a daemon it needs no data directory. */
  readonly detached?: boolean;
  /**
   * Needs nothing but its upstream: a command runs it in its own process, without daemon and data directory, when
   * the upstream's address is given to it or no daemon is there. The slice says how in `catalogue.ts`.
   */
  readonly standalone?: boolean;
  /** A write that only settles before it reads: on a database that cannot be written it works without that. */
  readonly readable?: boolean;
  /** Never limited by rate, and logged at debug level: health and metrics. */
  readonly exempt?: boolean;
  readonly cli?: CliSpec<z.output<Output>>;
  run(
    app: App,
    input: z.output<Input>,
    caller: Caller,
  ): Promise<z.input<Output>> | z.input<Output> | AsyncIterable<z.input<Output>>;
}

/** States an operation. Types only: returns what it is given. */
export function operation<App, Input extends z.ZodObject, Output extends z.ZodType>(
  spec: Operation<App, Input, Output>,
): Operation<App, Input, Output> {
  return spec;
}

/** Method and path of a route text. */
export function parseRoute(route: string): { method: string; path: string } {
  const [method = "", path = ""] = route.split(" ");
  return { method, path };
}

/** True when the operation may change something. */
export function isWrite(op: Pick<Operation, "route">): boolean {
  return !op.route.startsWith("GET ");
}

/** True when `role` includes what `needed` may do. */
export function hasRole(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Refuses a caller whose server assignment does not include `server`. */
export function requireServer(caller: Caller, server: number | null): void {
  if (caller.servers === null) return;
  if (server !== null && caller.servers.includes(server)) return;
  throw new HoldfastError(
    "forbidden",
    `Cannot ${caller.operation}: "${caller.name}" is not assigned to this server`,
  );
}

/** What `invoke()` needs besides the operation: the services, and where an audit line goes. */
export interface Kernel<App> {
  readonly app: App;
  /** Writes an audit line for a write that left none of its own, was refused, or failed half-way; `target` is what it was done to. */
  audit(caller: Caller, outcome: string, target: string): Promise<void>;
}

/** Calls an operation for a caller, which belongs to this one call; the only way in. Errors: `unauthenticated`, `forbidden`, `invalid`, and the operation's own. */
export async function invoke<App, Input extends z.ZodObject, Output extends z.ZodType>(
  kernel: Kernel<App>,
  op: Operation<App, Input, Output>,
  raw: unknown,
  caller: Caller,
): Promise<z.input<Output> | AsyncIterable<z.input<Output>>> {
  caller.operation = op.name;
  caller.trail = { lines: 0 };
  const audited = isWrite(op) && op.unaudited !== true;
  let target = op.name;
  try {
    requireRole(op, caller);
    const input = parseInput(op.input, raw, op.name);
    if (audited) target = targetOf(op, input);
    if (caller.servers !== null && typeof op.scope === "object") {
      requireServer(caller, await op.scope.server(kernel.app, input));
    }
    const output = await op.run(kernel.app, input, caller);
    if (audited && caller.trail.lines === 0) await kernel.audit(caller, outcomeOf(op, output), target);
    return output;
  } catch (error) {
    // Refusals of a known caller are worth a line; anonymous ones would let anybody fill the log.
    const kind = error instanceof HoldfastError ? error.kind : "internal";
    if (audited && caller.kind !== "anonymous") {
      if (kind === "forbidden") await kernel.audit(caller, "forbidden", op.name);
      else if (PERHAPS_DONE.has(kind) && caller.trail.lines === 0) {
        // Where the line cannot be written either, the error that came first is the one to tell.
        await kernel.audit(caller, "failed", target).catch(() => {});
      }
    }
    throw withoutNames(error, caller);
  }
}

/** What the audit log says of an answer: one whose status is that of a failure tells of work that ended half-way. */
function outcomeOf({ status }: Pick<Operation, "status">, output: unknown): string {
  return typeof status === "object" && status.of(output) >= 400 ? "failed" : "ok";
}

/** A write that ends so may have changed something elsewhere: a router, a tenant, a backup server. */
const PERHAPS_DONE: ReadonlySet<ErrorKind> = new Set([
  "internal",
  "upstream",
  "unavailable",
  "rate_limited",
  "exhausted",
]);

/** What a write was done to, by its path: `vpn/networks/hq`; its name where the path names nothing. */
function targetOf({ name, route }: Pick<Operation, "name" | "route">, input: object): string {
  const path = route.slice(route.indexOf("/") + 1).replace(/^(api\/)?v1\//, "");
  if (!path.includes("{")) return name;
  return path.replaceAll(/\{(\w+)\}/g, (_, field: string) => String(Reflect.get(input, field) ?? ""));
}

/** A hint suggests names of things there are; who is limited to servers must not learn of things of others. */
function withoutNames(error: unknown, caller: Caller): unknown {
  if (caller.servers === null || !(error instanceof HoldfastError)) return error;
  if (error.kind !== "not_found" || error.hint === undefined) return error;
  const { message, code, errors, cause } = error;
  return new HoldfastError("not_found", message, { code, errors, cause });
}

function requireRole(op: Pick<Operation, "name" | "role" | "scope">, caller: Caller): void {
  // What is about no server is not for callers that are limited to some, unless they are operators.
  const limited = caller.servers !== null && op.role === "user" && op.scope === undefined;
  const needed = limited ? "operator" : op.role;
  if (hasRole(caller.role, needed)) return;
  if (caller.kind === "anonymous") {
    throw new HoldfastError("unauthenticated", `Cannot ${op.name}: log in first`, {
      hint: 'send "Authorization: Bearer TOKEN" or "X-API-Key: KEY"',
    });
  }
  throw new HoldfastError(
    "forbidden",
    `Cannot ${op.name}: needs role ${needed}, "${caller.name}" is ${caller.role}`,
  );
}

/** True for the answer of a streaming operation. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** An answer about wrong input is not as large as the input. */
const [MAX_ERRORS, MAX_NAMES, MAX_NAME_LENGTH] = [100, 10, 100];

/** Parses input, turning every problem into a path and a sentence. */
export function parseInput<Input extends z.ZodType>(
  schema: Input,
  raw: unknown,
  what: string,
): z.output<Input> {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const errors = result.error.issues.slice(0, MAX_ERRORS).map((issue) => ({
    path: issue.path.map((part, i) =>
      typeof part === "number" ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`
    )
      .join(""),
    message: wordingOf(issue),
  }));
  const first = errors[0]!;
  const where = first.path === "" ? "" : ` ${first.path}:`;
  const others = result.error.issues.length - 1;
  const more = others > 0 ? ` (and ${others} more)` : "";
  throw new HoldfastError("invalid", `Cannot ${what}:${where} ${first.message}${more}`, { errors });
}

/** What is wrong, as a person says it who knows nothing of schemas; zod's own message for the rest. */
function wordingOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "unrecognized_keys": {
      const names = issue.keys.slice(0, MAX_NAMES).map((key) => `"${key.slice(0, MAX_NAME_LENGTH)}"`);
      const more = issue.keys.length - MAX_NAMES;
      return `unknown field ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    }
    case "invalid_type":
      if (issue.message.endsWith("received undefined")) return "is required";
      return issue.message.startsWith("Invalid input: expected ")
        ? `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}`
        : issue.message;
    case "invalid_value":
      return issue.message.startsWith("Invalid ")
        ? `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`
        : issue.message;
    case "too_small":
      return issue.message.startsWith("Too small")
        ? limitWords(issue.origin, issue.minimum, "least")
        : issue.message;
    case "too_big":
      return issue.message.startsWith("Too big")
        ? limitWords(issue.origin, issue.maximum, "most")
        : issue.message;
    case "invalid_union":
      return issue.message === "Invalid input" ? unionWords(issue.errors) : issue.message;
    default:
      return issue.message;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function limitWords(origin: string, limit: number | bigint, side: "least" | "most"): string {
  if (origin === "string") {
    return limit === 1 && side === "least" ? "must not be empty" : `must have at ${side} ${limit} characters`;
  }
  if (origin === "array" || origin === "set") return `must have at ${side} ${limit} items`;
  return `must be at ${side} ${limit}`;
}

/** What each way of a union says, once. */
function unionWords(ways: readonly (readonly z.core.$ZodIssue[])[]): string {
  const said = [...new Set(ways.flatMap(([first]) => first === undefined ? [] : [wordingOf(first)]))];
  return said.length === 0 ? "is not valid" : said.join(", or ");
}
