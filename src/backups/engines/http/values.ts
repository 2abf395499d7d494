/** Values in answers, and addresses that are made of them. */
import { HoldfastError } from "../../../lib/errors.ts";

/** What a JSON pointer (RFC 6901) finds; undefined when there is nothing. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** The first of several answers that has a value there. */
export function firstAt(documents: readonly unknown[], pointer: string | undefined): unknown {
  if (pointer === undefined) return undefined;
  return documents.map((document) => valueAt(document, pointer)).find((value) =>
    value !== undefined && value !== null
  );
}

/** A value as a word: texts and numbers are, anything else is not. */
export function wordOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** The address a template stands for, relative to `base`. Errors: `upstream` for a value that no answer has. */
export function addressOf(template: string, documents: readonly unknown[], base: string): URL {
  const whole = /^\{(\/[^{}]*)\}$/.exec(template)?.[1];
  const word = (pointer: string): string => {
    const value = wordOf(firstAt(documents, pointer));
    if (value !== undefined) return value;
    throw new HoldfastError(
      "upstream",
      `Cannot make the address "${template}": no answer has a value at ${pointer}`,
      {
        code: "no_value",
        hint: "look at the answer, and at the pointers in the options",
      },
    );
  };
  const text = whole === undefined
    ? template.replaceAll(/\{(\/[^{}]*)\}/g, (_, pointer: string) => encodeURIComponent(word(pointer)))
    : word(whole);
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new HoldfastError("upstream", `Cannot use "${text}" as an address: it is none of http`, {
    code: "no_value",
  });
}
