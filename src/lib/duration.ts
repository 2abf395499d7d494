/** Durations as people write them: `30m`, `12h`, `1h 30m`, `90d`. Inside the program they are seconds. */
import { HoldfastError } from "./errors.ts";

const UNITS: Record<string, number> = {
  ms: 0.001,
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
  w: 604_800,
};

const PART = /(\d+(?:\.\d+)?)\s*([a-z]+)\s*/giy;

/**
 * Seconds in a text such as `45s`, `1h30m`, `1.5h`, `90d` or `2w`; a bare number is seconds.
 * A day is 24 hours. Errors: `invalid` when the text is not a duration.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  let seconds = 0;
  let end = 0;
  for (const [part, amount, unit] of trimmed.matchAll(PART)) {
    const factor = UNITS[unit!.toLowerCase()];
    if (factor === undefined) break;
    seconds += Number(amount) * factor;
    end += part.length;
  }
  if (trimmed === "" || end < trimmed.length) {
    throw new HoldfastError(
      "invalid",
      `Cannot read duration "${text}": expected a form such as 45s, 30m, 12h or 90d`,
    );
  }
  // Sums of parts such as 0.001 leave binary dust that nobody wrote.
  return Math.round(seconds * 1000) / 1000;
}

/**
 * Seconds in what a person types behind a flag: as {@linkcode parseDuration}, but a number needs its unit. "365" that is
 * meant as days and read as seconds costs keys and copies; only nothing at all is the same in every unit.
 */
export function parseTypedDuration(text: string): number {
  const amount = text.trim();
  if (!/^\d+(\.\d+)?$/.test(amount) || Number(amount) === 0) return parseDuration(text);
  throw new HoldfastError("invalid", `Cannot read duration "${amount}": a number needs a unit here`, {
    hint: `write it with one, such as ${amount}d, ${amount}h or ${amount}s`,
  });
}

/** A number of seconds as text that {@linkcode parseDuration} reads: `30m`, `1h 30m`, `90d`, `4.2s`. Whole seconds from one minute on. */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds > 0 && seconds < 1) return `${Math.round(seconds * 1000)}ms`;
  // 59.96 would read as "60s" when rounded to a tenth.
  if (seconds < 59.95) return `${Math.round(seconds * 10) / 10}s`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of [["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]] as const) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount}${unit}`);
  }
  return parts.join(" ");
}
