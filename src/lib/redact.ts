/**
 * Striking secrets out of what is logged, audited or shown. A second net: services pass records that hold none.
 */

const SECRET_NAME =
  /pass(word|phrase|wd)?$|pwd$|secret$|token$|api[_-]?key$|private[_-]?key$|pre[_-]?shared[_-]?key$|authorization$|cookie$|credential|_hash$/i;

/** What a name of a secret ends in, in front of `=` or `:`; what comes before it (`DB_`, `access_`) does not matter. */
const KEY = "(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key)";
const SECRET_TEXT: readonly [RegExp, string][] = [
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(-----END \1-----|$)/g, "$1 ***"],
  [/\bAGE-SECRET-KEY-[0-9A-Z-]+/gi, "AGE-SECRET-KEY-***"],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, "$1 ***"],
  // Quoted values may hold spaces and escaped quotes, bare ones end at the next separator.
  [new RegExp(`(${KEY}["']?\\s*[=:]\\s*)"(?:[^"\\\\]|\\\\.)+"?`, "gi"), '$1"***"'],
  [new RegExp(`(${KEY}["']?\\s*[=:]\\s*)'(?:[^'\\\\]|\\\\.)+'?`, "gi"), "$1'***'"],
  [new RegExp(`(${KEY}["']?\\s*[=:]\\s*)(?!["'{[]|(?:null|true|false)\\b)[^\\s"'&,;}]+`, "gi"), "$1***"],
  [/((?<![\w-])--[\w-]*(?:password|passphrase|secret|token|api-key))\s+(?!-)\S+/gi, "$1 ***"],
  [/\/\/([^\s/:@]*):[^\s/]+@/g, "//$1:***@"],
  [/\bhf_[A-Za-z0-9]{6,}_[A-Za-z0-9_-]{16,}/g, "hf_***"],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, "***"],
];

/**
 * A deep copy in which the values of secret-sounding keys, and secrets inside texts, are `***`.
 * `{"secret": "NAME"}` references stay: they name, they do not tell.
 */
export function redact(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === "secret" && typeof entries[0]![1] === "string") return value;
  return Object.fromEntries(
    entries.map(([key, item]) => [key, SECRET_NAME.test(key) ? strike(item) : redact(item)]),
  );
}

function strike(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(strike);
  return (typeof item === "string" && item !== "") || typeof item === "number" ? "***" : redact(item);
}

/** A text in which tokens, keys, passwords in addresses and `key=value` secrets are `***`. */
export function redactText(text: string): string {
  return SECRET_TEXT.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}
