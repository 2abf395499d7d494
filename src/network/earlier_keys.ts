/** API keys in the shapes of the earlier tool, on the keys of this one. */
import type { Caller } from "../lib/operation.ts";

/** A key as the login slice tells it. */
interface Key {
  id: number;
  name: string;
  role: string;
  created_at: string;
  expires_at: string | null;
}

/** What of the keys is used here. */
export interface Keys {
  list(revoked: boolean): Promise<Key[]>;
  get(ref: string): Promise<Key>;
  create(
    request: { name: string; role: "admin" | "operator"; expires_in_seconds?: number },
    caller: Caller,
  ): Promise<Key & { key: string }>;
  revoke(ref: string, caller: Caller): Promise<Key>;
}

/** What people say of a key. */
export interface KeyFields {
  description?: string | null | undefined;
  is_admin?: boolean | undefined;
  /** 0 is never. */
  expires_in_days?: number | undefined;
}

const DAY_SECONDS = 86_400;

/** A key without its text, which is only known when it is made. */
export function keyView(key: Key, text: string | null = null) {
  return {
    id: key.id,
    api_key: text,
    description: key.name,
    is_admin: key.role === "admin",
    created_at: key.created_at,
    expires_at: key.expires_at,
  };
}

/** A new key; its name is made of the description. */
export async function createKey(keys: Keys, fields: KeyFields, caller: Caller) {
  const words = (fields.description ?? "key").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(
    /^-|-$/g,
    "",
  );
  const name = `${words.slice(0, 40) || "key"}-${crypto.randomUUID().slice(0, 8)}`;
  const days = fields.expires_in_days ?? 0;
  const made = await keys.create({
    name,
    role: fields.is_admin === true ? "admin" : "operator",
    ...(days > 0 ? { expires_in_seconds: days * DAY_SECONDS } : {}),
  }, caller);
  return keyView(made, made.key);
}

/** Rights and end of a key cannot change; a new one with those takes its place, and the answer holds it. */
export async function replaceKey(keys: Keys, ref: string, fields: KeyFields, caller: Caller) {
  const before = await keys.get(ref);
  const made = await createKey(keys, {
    description: fields.description ?? before.name.replace(/-[0-9a-f]{8}$/, ""),
    is_admin: fields.is_admin ?? before.role === "admin",
    expires_in_days: fields.expires_in_days,
  }, caller);
  await keys.revoke(String(before.id), caller);
  return made;
}
