/**
 * Tokens and keys that were verified a moment ago, so that a request costs a look into a map.
 *
 * An entry lives as long as the token could; whatever changes what it may do drops it at once.
 */
import type { Identity } from "../lib/caller.ts";

/** A verified token or key. */
export interface Verified {
  identity: Identity;
  /** Milliseconds since the epoch; Infinity for a key that does not expire. */
  expires_at: number;
  /** When the use of a key was last written down, in milliseconds; 0 for tokens. */
  noted_at: number;
}

/** Entries kept; the oldest leave first and are verified again. */
const MAX_ENTRIES = 5000;

/** The verified tokens of a running program. */
export class VerifiedTokens {
  readonly #entries = new Map<string, Verified>();
  #version = 0;

  /** Rises with every drop; see {@linkcode put}. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The entry of a token, unless it expired. `now` in milliseconds. */
  get(token: string, now: number): Verified | undefined {
    const entry = this.#entries.get(token);
    if (entry === undefined || now < entry.expires_at) return entry;
    this.#entries.delete(token);
  }

  /** Keeps an entry, unless something was dropped since `version`: then it may rest on what no longer holds. */
  put(token: string, entry: Verified, version: number): void {
    if (version !== this.#version) return;
    this.#entries.set(token, entry);
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
  }

  /** Drops all of a user's tokens, or a key. */
  dropOf(kind: "user" | "key", id: number): void {
    this.#drop(({ identity }) => identity.kind === kind && identity.id === id);
  }

  /** Drops the tokens of a session. */
  dropSession(id: string): void {
    this.#drop(({ identity }) => identity.session_id === id);
  }

  #drop(matches: (entry: Verified) => boolean): void {
    this.#version++;
    for (const [token, entry] of this.#entries) if (matches(entry)) this.#entries.delete(token);
  }
}
