/** Instants as the log calls take them: `2024-11-08T14:00:00Z`. */
import { ValidationError } from "../errors.ts";

/** An instant: a Date, milliseconds since the epoch, or a text of RFC 3339. */
export type Instant = Date | number | string;

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;

/** The instant in milliseconds. Errors: `ValidationError`. */
export function instantMs(value: Instant, action: string, what: string): number {
  const ms = typeof value === "number"
    ? value
    : value instanceof Date
    ? value.getTime()
    : RFC3339.test(value)
    ? Date.parse(value)
    : NaN;
  if (Number.isNaN(ms)) {
    throw new ValidationError(
      `Cannot ${action}: ${what} "${value}" is no instant such as 2026-01-02T03:04:05Z`,
    );
  }
  return ms;
}

/** The instant as the API wants it; undefined stays. */
export function instantText(value: Instant | undefined, action: string, what: string): string | undefined {
  if (value === undefined) return undefined;
  return new Date(instantMs(value, action, what)).toISOString().replace(".000Z", "Z");
}
