/** What of an answer must not be shown, logged, exported or kept. */
import { IPSEC_SECRETS } from "./schemas/ipsec.ts";

const SECRET: ReadonlySet<string> = new Set(IPSEC_SECRETS);

/** True for the name of a field that holds a secret. */
export function isSecret(field: string): boolean {
  return SECRET.has(field);
}

/** A copy without the secrets in it, however deep they are. */
export function withoutSecrets<T>(value: T): T;
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !SECRET.has(key))
      .map(([key, item]) => [key, withoutSecrets(item)]),
  );
}

/** The secrets themselves, however deep they are. */
export function secretsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    SECRET.has(key) && typeof item === "string" ? [item] : secretsIn(item)
  );
}

/** A body with the secrets that a thing has and the body leaves out; a replacement without them would clear them. */
export function withSecretsOf(body: unknown, thing: unknown): unknown {
  if (!isObject(body) || !isObject(thing)) return body;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(body)) result[key] = withSecretsOf(value, thing[key]);
  for (const key of SECRET) {
    if (!(key in body) && typeof thing[key] === "string" && thing[key] !== "") result[key] = thing[key];
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
