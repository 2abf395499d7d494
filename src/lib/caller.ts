/** Callers that need no login: whoever is on this host, and the program itself. */
import { userInfo } from "node:os";
import type { Caller } from "./operation.ts";

/** What is known of a caller apart from the one call. */
export type Identity = Omit<Caller, "request_id" | "operation" | "signal" | "report" | "take" | "trail">;

/** The caller on the local socket: admin, known by the name it claims, which is a note and no proof. */
export function localIdentity(claimed: string | null): Identity {
  const name = claimed !== null && /^[A-Za-z0-9._@-]{1,64}$/.test(claimed) ? claimed : "unknown";
  return {
    kind: "local",
    id: 0,
    name: `local:${name}`,
    role: "admin",
    servers: null,
    on_host: true,
    address: null,
    session_id: null,
  };
}

/** The user this process runs for, as it is claimed on the socket. */
export function localUser(): string {
  const sudo = Deno.env.get("SUDO_USER");
  if (sudo !== undefined && sudo !== "") return sudo;
  try {
    return userInfo().username;
  } catch {
    return String(Deno.uid() ?? "unknown");
  }
}

/** A caller for what the program does by itself; `name` says which part of it. */
export function systemCaller(name: string, signal: AbortSignal = new AbortController().signal): Caller {
  return {
    kind: "system",
    id: 0,
    name: `system:${name}`,
    role: "admin",
    servers: null,
    on_host: true,
    address: null,
    session_id: null,
    request_id: crypto.randomUUID(),
    operation: name,
    signal,
    trail: { lines: 0 },
  };
}
