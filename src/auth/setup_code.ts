/**
 * The set-up code: who can read the data directory or the daemon's terminal may make the first administrator.
 *
 * It stands in `<data-dir>/setup-code` (0600), alone so that `$(cat ...)` is it, and nowhere else. The age of the file
 * says when it ends.
 */
import { Buffer } from "node:buffer";
import { randomInt, timingSafeEqual } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { readPrivate, removeIfThere, writePrivate } from "./files.ts";

/** Letters and digits that are not mistaken for each other; sixteen of them are 80 bits. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 16;
const FILE = /^([0-9A-Z-]+)\n$/;

/** The file with the code. */
export class SetupCode {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #seconds: number;

  /** `seconds` a new code is good for. */
  constructor(path: string, clock: Clock, seconds: number) {
    this.#path = path;
    this.#clock = clock;
    this.#seconds = seconds;
  }

  /** The code that is good now; a new one when there is none. Errors: `unavailable`. */
  ensure(): string {
    return this.#current() ?? this.#renew();
  }

  /** True when this is the code and it has not expired; case and dashes do not matter. */
  matches(code: string): boolean {
    const current = this.#current();
    if (current === undefined) return false;
    const [given, wanted] = [Buffer.from(plain(code)), Buffer.from(plain(current))];
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  /** Ends the code: there is an administrator. */
  forget(): void {
    removeIfThere(this.#path);
  }

  /** When the code in the file ends, in milliseconds; undefined when there is no file. */
  endsAt(): number | undefined {
    if (readPrivate(this.#path) === undefined) return undefined;
    const made = Deno.statSync(this.#path).mtime?.getTime();
    return made === undefined ? undefined : made + this.#seconds * 1000;
  }

  #current(): string | undefined {
    const [, code] = FILE.exec(readPrivate(this.#path) ?? "") ?? [];
    return this.#clock.now() < (this.endsAt() ?? 0) ? code : undefined;
  }

  #renew(): string {
    const letters = Array.from({ length: LENGTH }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join(
      "",
    );
    const code = letters.match(/.{4}/g)?.join("-") ?? letters;
    writePrivate(this.#path, `${code}\n`);
    const now = new Date(this.#clock.now());
    Deno.utimeSync(this.#path, now, now);
    return code;
  }
}

function plain(code: string): string {
  return code.replaceAll(/[\s-]/g, "").toUpperCase();
}
