/** Commands that need nothing but their upstream: when they run in this process, and with what. */
import { type Slice, SLICES, type Standalone } from "../catalogue.ts";
import type { LoadedConfig } from "../config/mod.ts";
import { stateDir } from "../config/places.ts";
import { systemClock } from "../lib/clock.ts";
import type { Operation } from "../lib/operation.ts";
import { StateDirectory } from "../lib/state.ts";
import type { Terminal } from "./terminal.ts";
import { processTransport, type Transport } from "./transport.ts";

/** How an operation runs alone, or undefined when it needs a daemon or a data directory. */
export function standaloneOf(op: Operation, slices: readonly Slice[] = SLICES): Standalone | undefined {
  if (op.standalone !== true) return undefined;
  const [word = ""] = op.name.split(".");
  const slice = slices.find(({ name, words }) => name === word || Object.hasOwn(words, word));
  if (slice?.standalone === undefined) {
    throw new TypeError(`Operation "${op.name}" is standalone and its slice does not say how`);
  }
  return slice.standalone;
}

/** True when this command was told where its upstream is, and not by a flag which daemon to ask. */
export function isGiven({ connection }: Standalone, { layers }: Pick<LoadedConfig, "layers">): boolean {
  if (layers.get("api.url")?.name === "flag") return false;
  const patterns = connection.map((path) =>
    new RegExp(`^${path.replaceAll(".", "\\.").replace("*", "[^.]+")}$`)
  );
  return [...layers].some(([key, { name }]) =>
    (name === "flag" || name === "environment") && patterns.some((pattern) => pattern.test(key))
  );
}

/** The transport into a slice that answers from its upstream alone. */
export async function standaloneTransport(
  standalone: Standalone,
  { config }: Pick<LoadedConfig, "config">,
  terminal: Pick<Terminal, "note" | "env">,
  signal: AbortSignal,
  directory = stateDir({ env: terminal.env }),
): Promise<Transport> {
  const { app, close } = await standalone.open({
    config,
    state: new StateDirectory(directory),
    clock: systemClock,
    note: (sentence) => terminal.note(sentence),
  });
  // Nobody keeps a log here: the upstream has its own.
  const kernel = { app, audit: () => Promise.resolve() };
  return processTransport("standalone", kernel, signal, close);
}
