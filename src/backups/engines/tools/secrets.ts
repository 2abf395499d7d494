/** Secrets on their way to a program: read by name, handed over, and struck out of everything that comes back. */
import { z } from "zod";
import { HoldfastError } from "../../../lib/errors.ts";
import { redactText } from "../../../lib/redact.ts";
import type { EngineContext } from "../../engine.ts";

/** How options name a secret: `{"secret": "NAME"}`. */
export const SecretRef = z.strictObject({
  secret: z.string().min(1).describe("Name of a secret, as set with: holdfast secrets set NAME"),
});
export type SecretRef = z.output<typeof SecretRef>;

/** True for an error that says that an artifact is not there; a secret that is not there says nothing of it. */
export function saysGone(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.kind === "not_found" && error.code !== "secret_missing";
}

/** Shorter values are too likely to be ordinary text. */
const MIN_LENGTH = 4;

/** The secrets one operation has read. */
export class Secrets {
  readonly #context: Pick<EngineContext, "secret">;
  readonly #struck = new Set<string>();

  constructor(context: Pick<EngineContext, "secret">) {
    this.#context = context;
  }

  /** The text of a secret, remembered for {@linkcode clean}. Errors: `not_found`. */
  async read(ref: SecretRef): Promise<string> {
    const text = await this.#context.secret(ref.secret);
    this.add(text);
    return text;
  }

  /** Values of a map in which texts stand for themselves and references for secrets. */
  async readAll(values: Readonly<Record<string, string | SecretRef>>): Promise<Record<string, string>> {
    const texts: Record<string, string> = {};
    for (const [name, value] of Object.entries(values)) {
      texts[name] = typeof value === "string" ? value : await this.read(value);
    }
    return texts;
  }

  /** Remembers a value in the forms in which a program may repeat it. */
  add(text: string): void {
    // Programs print line by line, addresses with escapes, and JSON with others.
    const lines = text.split(/\r?\n/);
    // A header's value begins with the name of its scheme.
    const token = /^(Bearer|Basic|Token|ApiKey)\s+(\S+)$/i.exec(text)?.[2];
    if (token !== undefined) this.add(token);
    for (const form of [text, ...lines, encodeURIComponent(text), JSON.stringify(text).slice(1, -1)]) {
      if (form.trim().length >= MIN_LENGTH) this.#struck.add(form);
    }
  }

  /** Length of the longest value in characters: as much may be the beginning of one where a text was cut off. */
  get longest(): number {
    return Math.max(0, ...[...this.#struck].map((text) => text.length));
  }

  /** The text without secrets: those read here, and what looks like one. */
  clean(text: string): string {
    // The longest first: one value may be the beginning of another.
    const known = [...this.#struck].sort((a, b) => b.length - a.length);
    return redactText(known.reduce((rest, value) => rest.replaceAll(value, "***"), text));
  }
}
