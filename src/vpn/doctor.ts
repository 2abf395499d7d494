/** Looks whether a tenant can be worked with: the way, the key, what it may do, the limits, the release. */
import type { Clock } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import { messageOf } from "../lib/errors.ts";
import { NotFoundError, PermissionError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { RESOURCES } from "./resources.ts";
import type { Tenant, Tenants } from "./tenants.ts";

/** One line of the answer. */
export interface Finding {
  check: string;
  status: "ok" | "warning" | "bad";
  detail: string;
}

const DAY_MS = 86_400_000;
/** Keys live two weeks, one month, six months or one year. */
const SHORTEST_KEY_DAYS = 14;
const LONGEST_KEY_DAYS = 365;
/** A key that ends so soon should be replaced now. */
export const KEY_WARNING_DAYS = 14;

export class Doctor {
  readonly #tenants: Tenants;
  readonly #clock: Clock;

  constructor(tenants: Tenants, clock: Clock) {
    this.#tenants = tenants;
    this.#clock = clock;
  }

  /** Everything that can be found out by reading. Errors: `invalid` and `not_found` about the configuration. */
  async examine(name: string | undefined, signal: AbortSignal): Promise<Finding[]> {
    const tenant = await this.#tenants.get(name);
    const findings: Finding[] = [this.#key(tenant)];
    try {
      await tenant.client.regions.listAll({ signal });
      findings.unshift({
        check: "reachable",
        status: "ok",
        detail: `${tenant.client.name} answers, the key is taken`,
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PermissionError)) {
        return [{ check: "reachable", status: "bad", detail: messageOf(error) }, ...findings];
      }
      findings.unshift({
        check: "reachable",
        status: "ok",
        detail: "the key is taken; it may not read regions",
      });
    }
    findings.push(await this.#release(tenant, signal));
    findings.push(await this.#permissions(tenant, signal));
    findings.push(this.#limits(tenant));
    return findings;
  }

  async #release(tenant: Tenant, signal: AbortSignal): Promise<Finding> {
    try {
      const release = await this.#tenants.detect(tenant, signal);
      const how = tenant.settings.release === null
        ? "found out by asking for what came with each"
        : "as configured";
      return { check: "release", status: "ok", detail: `${release}, ${how}` };
    } catch (error) {
      signal.throwIfAborted();
      return { check: "release", status: "warning", detail: messageOf(error) };
    }
  }

  /** Keys have a permission for reading and one for changing each kind; only reading can be tried without harm. */
  async #permissions({ client }: Tenant, signal: AbortSignal): Promise<Finding> {
    const refused: string[] = [];
    const failed: string[] = [];
    for (const { word, many, probe } of RESOURCES) {
      try {
        await probe(client, { signal });
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof PermissionError) refused.push(word);
        else if (!(error instanceof NotFoundError)) failed.push(`${many}: ${messageOf(error)}`);
      }
    }
    if (failed.length > 0) return { check: "permissions", status: "bad", detail: failed.join("; ") };
    return refused.length > 0
      ? { check: "permissions", status: "bad", detail: `the key may not read ${refused.join(", ")}` }
      : { check: "permissions", status: "ok", detail: "the key may read everything; changing is not tried" };
  }

  #limits({ client }: Tenant): Finding {
    const { read, write, shared } = client.limits;
    if (read === null) return { check: "limits", status: "ok", detail: "the API tells none" };
    const text = (limits: Limits) =>
      `${limits.remaining} of ${limits.capacity} left, ${limits.rate} back every ${
        formatDuration(limits.period_seconds)
      }`;
    const writes = shared ? "; writes share them" : write === null ? "" : `; writes: ${text(write)}`;
    return { check: "limits", status: "ok", detail: `reads: ${text(read)}${writes}` };
  }

  #key(tenant: Tenant): Finding {
    const now = this.#clock.now();
    const { key_expires_at } = tenant.settings;
    if (key_expires_at !== null) {
      const days = Math.floor((Date.parse(key_expires_at) - now) / DAY_MS);
      return days < 0
        ? { check: "key", status: "bad", detail: `the API key ended on ${key_expires_at}` }
        : days < KEY_WARNING_DAYS
        ? {
          check: "key",
          status: "warning",
          detail: `the API key ends in ${days} days, on ${key_expires_at}`,
        }
        : { check: "key", status: "ok", detail: `the API key ends on ${key_expires_at}` };
    }
    const first = this.#tenants.keyFirstUsed(tenant);
    const hint = "set vpn.key_expires_at to the day the portal shows";
    if (first === undefined) return { check: "key", status: "ok", detail: `its end is not known: ${hint}` };
    const age = Math.floor((now - Date.parse(first)) / DAY_MS);
    const detail =
      `first used here ${age} days ago; keys end after ${SHORTEST_KEY_DAYS} to ${LONGEST_KEY_DAYS} days: ${hint}`;
    return { check: "key", status: age >= LONGEST_KEY_DAYS - KEY_WARNING_DAYS ? "warning" : "ok", detail };
  }
}
