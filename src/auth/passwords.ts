/**
 * Password hashes: scrypt (RFC 7914) with its parameters in the hash, so that they can rise later.
 *
 * Hashing runs beside the event loop, two at a time: each takes 32 MiB and a fraction of a second, and without a
 * limit strangers at the log-in could fill the memory.
 */
import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { HoldfastError } from "../lib/errors.ts";

/** Cost of a hash: memory is 128 * r * 2^ln bytes, time grows with p. */
export interface ScryptCost {
  ln: number;
  r: number;
  p: number;
}

/** OWASP's recommendation at 32 MiB (Password Storage Cheat Sheet). */
export const DEFAULT_COST: ScryptCost = { ln: 15, r: 8, p: 3 };

const PARALLEL = 2;
const MAX_WAITING = 50;
const HASH = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

/** Makes and checks password hashes. */
export class Passwords {
  readonly #cost: ScryptCost;
  /** A hash no password has, for names nobody has: checking it takes as long as checking a real one. */
  readonly #decoy: string;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(cost: ScryptCost = DEFAULT_COST) {
    this.#cost = cost;
    this.#decoy = format(cost, randomBytes(16), randomBytes(32));
  }

  /** The hash of a password, with a salt of its own. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    return format(this.#cost, salt, await this.#derive(password, salt, this.#cost, 32));
  }

  /** True when the password fits the hash; `undefined` for a hash stands for nobody and takes as long. */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    const { cost, salt, expected } = parse(hash ?? this.#decoy);
    const actual = await this.#derive(password, salt, cost, expected.length);
    return timingSafeEqual(actual, expected) && hash !== undefined;
  }

  /** True when a hash was made with other parameters than new ones are. */
  isOutdated(hash: string): boolean {
    const { cost } = parse(hash);
    return cost.ln !== this.#cost.ln || cost.r !== this.#cost.r || cost.p !== this.#cost.p;
  }

  async #derive(password: string, salt: Uint8Array, cost: ScryptCost, length: number): Promise<Uint8Array> {
    await this.#enter();
    try {
      return await derive(password, salt, cost, length);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new HoldfastError("rate_limited", "Cannot check passwords: too many are being checked", {
        retry_after_seconds: 5,
      });
    }
    while (this.#running >= PARALLEL) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
  }
}

function derive(password: string, salt: Uint8Array, cost: ScryptCost, length: number): Promise<Uint8Array> {
  const N = 2 ** cost.ln;
  // Node refuses parameters that need more than `maxmem`, 32 MiB unless told; this allows exactly these.
  const options = { N, r: cost.r, p: cost.p, maxmem: 128 * cost.r * (N + cost.p + 2) };
  return new Promise((resolve, reject) => {
    // The same password typed on another keyboard may arrive composed differently.
    scrypt(password.normalize("NFKC"), salt, length, options, (error, key) => {
      if (error !== null) reject(error);
      else resolve(key);
    });
  });
}

function format(cost: ScryptCost, salt: Uint8Array, key: Uint8Array): string {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${text(salt)}$${text(key)}`;
}

function parse(hash: string): { cost: ScryptCost; salt: Uint8Array; expected: Uint8Array } {
  const [, ln, r, p, salt, key] = HASH.exec(hash) ?? [];
  if (salt === undefined || key === undefined) {
    throw new TypeError("Cannot read a password hash of the database");
  }
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, "base64url"),
    expected: Buffer.from(key, "base64url"),
  };
}
