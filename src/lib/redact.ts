/**
 * Striking secrets out of what is logged, audited or shown. A second net: services pass records that hold none.
 */

const SECRET_NAME =
  /pass(word|phrase|wd)?$|secret$|token$|api_?key$|private_?key$|pre_?shared_?key$|^authorization$|credential|_hash$/i;
const SECRET_TEXT: readonly [RegExp, string][] = [
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, "$1 ***"],
  [/\b(password|passwd|secret|token|api[_-]?key)(["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi, "$1$2***"],
  [/\/\/([^\s/:@]+):([^\s/@]+)@/g, "//$1:***@"],
  [/\bhf_[A-Za-z0-9]{6,}_[A-Za-z0-9_-]{16,}/g, "hf_***"],
];

/** A deep copy in which the values of secret-sounding keys are `***`. `{"secret": "NAME"}` references stay: they name, they do not tell. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === "secret" && typeof entries[0]![1] === "string") return value;
  return Object.fromEntries(
    entries.map(([key, item]) => [key, SECRET_NAME.test(key) && isTelling(item) ? "***" : redact(item)]),
  );
}

function isTelling(item: unknown): boolean {
  return (typeof item === "string" && item !== "") || typeof item === "number";
}

/** A text in which tokens, passwords in addresses and `key=value` secrets are `***`. */
export function redactText(text: string): string {
  return SECRET_TEXT.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}
