/** Sizes as people write them: `512 KiB`, `1.5 GiB`, `10 MB`. Inside the program they are bytes. */
import { HoldfastError } from "./errors.ts";

const STEPS = ["", "k", "m", "g", "t", "p"];
const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)(b?)$/i;

/**
 * Bytes in a text such as `2GiB`, `1.5 gib`, `10 MB` or `4096`, rounded to a whole byte.
 * `KiB` and a bare `K` are powers of 1024 as in `dd` and `du`, `KB` is a power of 1000.
 * Errors: `invalid` when the text is not a size.
 */
export function parseSize(text: string): number {
  const [, amount, step, binary, unit] = SIZE.exec(text.trim()) ?? [];
  if (amount === undefined || (binary !== "" && step === "")) {
    throw new HoldfastError(
      "invalid",
      `Cannot read size "${text}": expected a form such as 4096, 512KiB, 2GiB or 10MB`,
    );
  }
  const base = unit !== "" && binary === "" ? 1000 : 1024;
  return Math.round(Number(amount) * base ** STEPS.indexOf(step!.toLowerCase()));
}

/** A number of bytes with a binary unit and at most one decimal: `0 B`, `1023 B`, `1.5 GiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 0) return `-${formatSize(-bytes)}`;
  let amount = bytes;
  let step = 0;
  // Compared after rounding, or 1023.97 KiB would read as "1024 KiB".
  while (Math.round(amount * 10) >= 10_240 && step < STEPS.length - 1) {
    amount /= 1024;
    step++;
  }
  const unit = step === 0 ? "B" : `${STEPS[step]!.toUpperCase()}iB`;
  return `${step === 0 ? Math.round(amount) : Math.round(amount * 10) / 10} ${unit}`;
}
