/** What programs say on their way out, as errors for people. */
import { type ErrorKind, HoldfastError } from "../../../lib/errors.ts";
import type { Ended } from "./run.ts";

/** One reason a program may give. */
export interface Reason {
  says: RegExp;
  kind: ErrorKind;
  code: string;
  /** `$1` is what the expression found. */
  why: string;
  hint?: string;
}

/** Reasons any program may have. */
const COMMON: readonly Reason[] = [
  {
    says: /no space left on device/i,
    kind: "exhausted",
    code: "disk_full",
    why: "no space left on the device",
  },
  { says: /disk quota exceeded/i, kind: "exhausted", code: "disk_full", why: "the disk quota is used up" },
];

/**
 * The error for a program that failed, in the words of the first reason that fits, else of its last line.
 * `action` reads on from "Cannot ": `dump database "shop"`.
 */
export function failure(
  name: string,
  action: string,
  ended: Ended,
  reasons: readonly Reason[] = [],
): HoldfastError {
  for (const { says, kind, code, why, hint } of [...reasons, ...COMMON]) {
    const found = says.exec(ended.text);
    if (found === null) continue;
    const fill = (text: string) => text.replaceAll(/\$(\d)/g, (_, index) => found[Number(index)] ?? "");
    return new HoldfastError(kind, `Cannot ${action}: ${fill(why)}`, {
      code,
      cause: new Error(ended.text),
      ...(hint === undefined ? {} : { hint: fill(hint) }),
    });
  }
  const said = ended.last.at(-1);
  const why = said === undefined
    ? `ended with ${ended.code} and said nothing`
    : `ended with ${ended.code}: ${said}`;
  return new HoldfastError("upstream", `Cannot ${action}: ${name} ${why}`, {
    code: "tool_failed",
    cause: new Error(ended.text),
    hint: `its last lines are in the log of the run; try the same by hand with ${name}`,
  });
}
