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

/** A log record as one line, without line end. */
export function formatRecord(record: LogRecord, format: LogSettings["format"]): string {
  const time = new Date(record.timestamp).toISOString();
  const message = redactText(
    record.message.map((part) => typeof part === "string" ? part : plain(part)).join(""),
  );
  const properties = redact(serializable(record.properties));
  const logger = record.category.join(".");
  if (format === "json") {
    return JSON.stringify({ time, level: record.level, logger, message, ...(properties as object) });
  }
  const details = Object.entries(properties as Record<string, unknown>).map(([key, value]) =>
    ` ${key}=${plain(value)}`
  );
  return `${time} ${record.level.toUpperCase().padEnd(7)} ${logger}: ${message}${details.join("")}`;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(serializable(value)) ?? String(value);
}

/** Errors become text with their causes; everything else is left to JSON. */
function serializable(value: unknown): unknown {
  if (value instanceof Error) {
    const cause = value.cause === undefined ? "" : `\nCaused by: ${serializable(value.cause)}`;
    return redactText(`${value.stack ?? `${value.name}: ${value.message}`}${cause}`);
  }
  if (typeof value === "string") return redactText(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, serializable(item)]));
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
