/**
 * Logging: slices call `getLogger(["holdfast", "<slice>"])` of LogTape; this module says where the lines go.
 *
 * JSON lines have `time`, `level`, `logger`, `message` and the properties given; secrets are struck out of both.
 */
import { configure, type LogRecord, reset, type Sink } from "@logtape/logtape";
import { redact, redactText } from "../lib/redact.ts";

/** What is logged, and in which form. */
export interface LogSettings {
  level: "debug" | "info" | "warning" | "error";
  format: "json" | "text";
  /** File to append to; null is standard error. */
  file: string | null;
}

/** A log record without line end: one line of JSON, or text whose further lines are indented. */
export function formatRecord(record: LogRecord, format: LogSettings["format"]): string {
  const time = new Date(record.timestamp).toISOString();
  const message = redactText(record.message.map(plain).join(""));
  const properties = propertiesOf(record);
  const logger = record.category.join(".");
  if (format === "json") {
    const own = { time, level: record.level, logger, message };
    // A property of the same name must not pass for the line's own.
    return JSON.stringify({ ...own, ...properties, ...own });
  }
  const details = Object.entries(properties).map(([key, value]) => ` ${key}=${plain(value)}`);
  return harmless(`${time} ${record.level.toUpperCase().padEnd(7)} ${logger}: ${message}${details.join("")}`);
}

function propertiesOf(record: LogRecord): Record<string, unknown> {
  const properties = redact(serializable(record.properties, []));
  return typeof properties === "object" && properties !== null ? { ...properties } : {};
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(redact(serializable(value, []))) ?? String(value);
}

/** Errors become text with their causes, the rest what JSON can hold; `above` are the objects around the value. */
function serializable(value: unknown, above: readonly unknown[]): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (above.includes(value)) return "[circular]";
  const around = [...above, value];
  if (value instanceof Error) {
    const own = value.stack ?? `${value.name}: ${value.message}`;
    if (value.cause === undefined) return own;
    const cause = serializable(value.cause, around);
    return `${own}\nCaused by: ${typeof cause === "string" ? cause : JSON.stringify(redact(cause))}`;
  }
  if (Array.isArray(value)) return value.map((item) => serializable(item, around));
  if ("toJSON" in value && typeof value.toJSON === "function") return value.toJSON();
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, serializable(item, around)]));
}

/** Nobody's text may start a line of its own, which would look like ours, or drive a terminal. */
function harmless(text: string): string {
  return text.replaceAll(
    /\p{Cc}/gu,
    (c) => c === "\n" ? "\n    " : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Starts logging; called once by the daemon, and by nothing else. Returns what flushes and closes it. */
export async function startLogging(settings: LogSettings): Promise<() => Promise<void>> {
  const file = settings.file === null
    ? undefined
    : await Deno.open(settings.file, { append: true, create: true, mode: 0o640 });
  const encoder = new TextEncoder();
  const sink: Sink = (record) => {
    const line = encoder.encode(`${formatRecord(record, settings.format)}\n`);
    try {
      (file ?? Deno.stderr).writeSync(line);
    } catch {
      // A full disk or a closed pipe must not stop the daemon; the state is in the database.
    }
  };
  await configure({
    reset: true,
    sinks: { main: sink },
    loggers: [
      { category: "holdfast", sinks: ["main"], lowestLevel: settings.level },
      { category: ["logtape", "meta"], sinks: ["main"], lowestLevel: "warning" },
    ],
  });
  return async () => {
    await reset();
    file?.close();
  };
}
