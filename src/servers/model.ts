/** Servers as records: what may be stored, and who may set which running check. */
import { z } from "zod";
import { Authority } from "../lib/authority.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";

const Host = z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/, "must be a host name or an IP address");
const Port = z.int().min(1).max(65_535);

/** How to ask whether a server is running. */
export const RunningCheck = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }).describe("Not asked; the server counts as running"),
  z.strictObject({ kind: z.literal("tcp"), port: Port, host: Host.optional() })
    .describe("Runs when the port accepts a connection"),
  z.strictObject({
    kind: z.literal("http"),
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    expect_status: z.int().min(100).max(599).optional(),
  }).describe("Runs when the address answers with a status below 400, or with the expected one"),
  z.strictObject({ kind: z.literal("process"), name: z.string().min(1).max(255) })
    .describe("Runs when a process of this name runs on this host"),
  z.strictObject({
    kind: z.literal("systemd"),
    unit: z.string().regex(/^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,254}$/, "must be the name of a unit"),
  }).describe("Runs when this unit of this host is active"),
  z.strictObject({ kind: z.literal("command"), command: z.array(z.string()).min(1) })
    .describe("Runs when the command (program and arguments, no shell) ends with 0"),
]).meta({ id: "RunningCheck" });
export type RunningCheck = z.output<typeof RunningCheck>;

/** A name that can stand wherever an id can, and before the slash of `server/schedule`. */
export const ServerName = z.string().trim().min(1).max(100)
  .regex(/^[^\p{Cc}/]*$/u, "must not contain slashes or control characters")
  .refine((name) => !/^\d+$/.test(name), "must not be digits only: it would be taken for an id");

/** A server of the registry, as the API and the command line show it. */
export const Server = z.object({
  id: z.int(),
  name: z.string(),
  host: z.string(),
  description: z.string().nullable(),
  running_check: RunningCheck,
  default_engine: z.string().nullable().describe("Engine of schedules that name none"),
  default_engine_options: z.record(z.string(), z.unknown()).nullable(),
  default_engine_authority: Authority.nullable()
    .describe("With whose rights the defaults are judged again before each run: those of who set them"),
  created_at: z.string(),
  updated_at: z.string(),
  last_check_at: z.string().nullable(),
  last_check_running: z.boolean().nullable(),
  last_check_detail: z.string().nullable(),
}).meta({ id: "Server" });
export type Server = z.output<typeof Server>;

/** What the last running check found. */
export const RunningState = z.object({
  running: z.boolean(),
  detail: z.string().describe("What was found, as a sentence"),
});
export type RunningState = z.output<typeof RunningState>;

const Description = z.string().max(500).nullable();
const DefaultEngine = z.string().min(1).nullable();
const DefaultOptions = z.record(z.string(), z.unknown()).nullable();

const ABOUT = {
  name: "Unique name",
  host: "Host name or address",
  description: "What it is",
  running_check: "How to ask whether it is running",
  default_engine: "Engine of schedules that name none",
  default_engine_options: "What such schedules back up, and where to; paths are absolute",
} as const;

/** The fields people set. */
export const ServerFields = z.strictObject({
  name: ServerName.describe(ABOUT.name),
  host: Host.describe(ABOUT.host),
  description: Description.default(null).describe(ABOUT.description),
  running_check: RunningCheck.default({ kind: "none" }).describe(ABOUT.running_check),
  default_engine: DefaultEngine.default(null).describe(ABOUT.default_engine),
  default_engine_options: DefaultOptions.default(null).describe(ABOUT.default_engine_options),
});
export type ServerFields = z.output<typeof ServerFields>;

/** Any of the fields people set; what is absent stays as it is. */
export const ServerChanges = z.strictObject({
  name: ServerName.optional().describe(ABOUT.name),
  host: Host.optional().describe(ABOUT.host),
  description: Description.optional().describe(ABOUT.description),
  running_check: RunningCheck.optional().describe(ABOUT.running_check),
  default_engine: DefaultEngine.optional().describe(ABOUT.default_engine),
  default_engine_options: DefaultOptions.optional().describe(ABOUT.default_engine_options),
});
export type ServerChanges = z.output<typeof ServerChanges>;

/**
 * Refuses a running check that would give a caller more than its role does.
 *
 * A command runs as the daemon's user, so only an admin may set one, and only where commands are allowed. An
 * operator over the network could make the daemon knock on any address it can reach; such a check is kept to
 * the host the server is registered with, which everybody who sees the server sees too.
 */
export function authorizeCheck(
  check: RunningCheck,
  host: string,
  caller: Pick<Caller, "role" | "on_host">,
  allowCommands: boolean,
): void {
  const refuse = (reason: string, hint: string) => {
    throw new HoldfastError("forbidden", `Cannot set running check "${check.kind}": ${reason}`, { hint });
  };
  if (check.kind === "command") {
    if (caller.role !== "admin") refuse("needs role admin, because it runs a command", "ask an admin");
    if (!allowCommands) refuse("commands are not allowed", "set backups.allow_commands to true");
  }
  if (caller.on_host || caller.role === "admin") return;
  const target = hostOf(check);
  if (target !== undefined && target !== host.toLowerCase()) {
    refuse(`"${target}" is not the server's host "${host}"`, "name the server's host, or ask an admin");
  }
}

/** The host a check names itself, in lower case and without brackets; undefined when it names none. */
function hostOf(check: RunningCheck): string | undefined {
  if (check.kind === "tcp") return check.host?.toLowerCase();
  if (check.kind === "http") return new URL(check.url).hostname.toLowerCase().replace(/^\[|\]$/g, "");
  return undefined;
}

/**
 * The check in the short form people type: `none`, `tcp:25565`, `tcp:db.example.org:5432`, an http address,
 * `process:NAME`, `systemd:UNIT`, or JSON (the only form for commands). Errors: `invalid`.
 */
export function parseCheck(text: string): unknown {
  if (text.startsWith("{")) {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new HoldfastError("invalid", `Cannot read running check "${text}": not JSON`, { cause });
    }
  }
  if (/^https?:/.test(text)) return { kind: "http", url: text };
  const [, kind, rest] = /^(none|tcp|process|systemd)(?::(.+))?$/.exec(text) ?? [];
  if (kind === "none" && rest === undefined) return { kind };
  if (kind === "process" && rest !== undefined) return { kind, name: rest };
  if (kind === "systemd" && rest !== undefined) return { kind, unit: rest };
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(kind === "tcp" ? rest ?? "" : "") ?? [];
  if (port !== undefined) {
    return {
      kind,
      port: Number(port),
      ...(host === undefined ? {} : { host: host.replace(/^\[|\]$/g, "") }),
    };
  }
  throw new HoldfastError("invalid", `Cannot read running check "${text}": unknown form`, {
    hint:
      'write none, tcp:PORT, tcp:HOST:PORT, http://..., process:NAME, systemd:UNIT or JSON: {"kind":"command","command":["true"]}',
  });
}
