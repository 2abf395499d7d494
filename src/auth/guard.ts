/**
 * Against guessing passwords: a rate, and locks that outlive a restart.
 *
 * The rate limits attempts by name and address, and ten times as many by address over all names.
 *
 * A lock closes a name after wrong passwords in a row, but only for the address they came from: somebody elsewhere
 * cannot lock an administrator out by typing nonsense. Guessing from many addresses is met by a second count, over all
 * of them: ten times as many failures close the name for every address but those its owner logged in from before.
 * Names that do not exist are treated alike, so a lock does not tell who exists. Callers on the host pass: they are
 * administrators already. Counts stand under a hash of the name, because people type passwords into name fields.
 */
import { createHash } from "node:crypto";
import { addressGroup } from "../lib/address.ts";
import { Buckets } from "../lib/bucket.ts";
import { type Clock, iso } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { countFailure, lockSeconds } from "./model.ts";
import * as queries from "./queries.ts";
import type { AuthTables, UserRow } from "./queries.ts";
import type { Kysely } from "kysely";

/** Settings of the guard; see the section `auth` of the configuration. */
export interface GuardSettings {
  login_per_minute: number;
  lockout_after: number;
  lockout_seconds: number;
}

/** How many times as much is allowed to an address over all names, or against a name over all addresses. */
const WIDE = 10;
/** Stands for all addresses in the count over them; no address looks like it. */
const EVERYWHERE = "*";
const MAX_COUNTS = 10_000;

type Db = Kysely<AuthTables>;

/** Decides whether an attempt may be made, and keeps count. */
export class LoginGuard {
  readonly #clock: Clock;
  readonly #settings: GuardSettings;
  readonly #pairs: Buckets;
  readonly #addresses: Buckets;

  constructor(clock: Clock, settings: GuardSettings) {
    this.#clock = clock;
    this.#settings = settings;
    const rate = settings.login_per_minute;
    this.#pairs = new Buckets({ perMinute: rate, burst: rate });
    this.#addresses = new Buckets({ perMinute: rate * WIDE, burst: rate * WIDE });
  }

  /** Counts an attempt. Errors: `rate_limited` with the seconds to wait. */
  requireRate(caller: Pick<Caller, "on_host" | "address">, name: string): void {
    if (caller.on_host) return;
    const address = addressGroup(caller.address);
    const now = this.#clock.now();
    const wait = this.#pairs.take(`${hashName(name)} ${address}`, now) || this.#addresses.take(address, now);
    if (wait > 0) {
      throw tooMany("Cannot log in: too many attempts", "login_rate", wait, `try again in ${wait} s`);
    }
  }

  /** Refuses a locked name. Errors: `rate_limited` with the seconds to wait. */
  async requireUnlocked(
    db: Db,
    caller: Pick<Caller, "on_host" | "address">,
    name: string,
    user: UserRow | undefined,
  ): Promise<void> {
    if (caller.on_host) return;
    const address = addressGroup(caller.address);
    const now = this.#clock.now();
    const counts = await queries.failuresOf(db, hashName(name), [address, EVERYWHERE]);
    const here = lockSeconds(counts.find((count) => count.address === address), now);
    const everywhere = lockSeconds(counts.find((count) => count.address === EVERYWHERE), now);
    const wait = Math.max(here, everywhere > 0 && !await isKnown(db, user, address) ? everywhere : 0);
    if (wait > 0) {
      const hint = `try again in ${wait} s, or ask an administrator to set the password anew`;
      throw tooMany("Cannot log in: locked after too many wrong passwords", "locked_out", wait, hint);
    }
  }

  /** Counts a wrong password; true when it closed the lock. */
  async failed(db: Db, caller: Pick<Caller, "on_host" | "address">, name: string): Promise<boolean> {
    if (caller.on_host) return false;
    const { lockout_after, lockout_seconds } = this.#settings;
    const now = this.#clock.now();
    const [name_hash, address] = [hashName(name), addressGroup(caller.address)];
    const counts = await queries.failuresOf(db, name_hash, [address, EVERYWHERE]);
    let locked = false;
    for (const [where, after] of [[address, lockout_after], [EVERYWHERE, lockout_after * WIDE]] as const) {
      const before = counts.find((count) => count.address === where);
      const { failures, locked_until } = countFailure(before, now, {
        after,
        lock_ms: lockout_seconds * 1000,
      });
      const until = locked_until === null ? null : iso(locked_until);
      await queries.putFailure(db, {
        name_hash,
        address: where,
        failures,
        last_at: iso(now),
        locked_until: until,
      });
      locked ||= until !== null;
    }
    await this.prune(db);
    return locked;
  }

  /** Forgets what was counted against a name at the address that just logged in. */
  async succeeded(db: Db, caller: Pick<Caller, "on_host" | "address">, name: string): Promise<void> {
    if (!caller.on_host) await queries.clearFailures(db, hashName(name), addressGroup(caller.address));
  }

  /** Opens every lock of a name, when an administrator says so. */
  async unlock(db: Db, name: string): Promise<void> {
    await queries.clearFailures(db, hashName(name));
  }

  /** Forgets counts that rested for the length of a lock, and the oldest beyond a bound. */
  prune(db: Db): Promise<number> {
    const before = iso(this.#clock.now() - this.#settings.lockout_seconds * 1000);
    return queries.forgetFailures(db, before, MAX_COUNTS);
  }
}

async function isKnown(db: Db, user: UserRow | undefined, address: string): Promise<boolean> {
  if (user === undefined) return false;
  return (await queries.addressesOf(db, user.id)).some((known) => addressGroup(known) === address);
}

function hashName(name: string): string {
  return createHash("sha256").update(name.toLowerCase()).digest("hex");
}

function tooMany(message: string, code: string, retry_after_seconds: number, hint: string): HoldfastError {
  return new HoldfastError("rate_limited", message, { code, retry_after_seconds, hint });
}
