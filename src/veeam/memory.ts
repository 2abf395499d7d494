/** What is remembered of a server between two processes: its certificate and its revision, never a token. */
import { z } from "zod";
import type { StateDirectory } from "../lib/state.ts";

/** What is known of the server at one address. */
export const Known = z.strictObject({
  /** SHA-256 fingerprint pinned at first use; null when the system's authorities vouch for the certificate. */
  fingerprint: z.string().nullable(),
  /** Revision of the API that was agreed on; null while it is unknown. */
  revision: z.string().nullable(),
});
export type Known = z.output<typeof Known>;

/** Keeps what is known, by address. */
export interface Memory {
  get(address: string): Promise<Known | undefined>;
  set(address: string, known: Known): Promise<void>;
}

const Remembered = z.strictObject({ servers: z.record(z.string(), Known).default({}) });

/** In a file of the user's state directory, for commands that have no data directory. */
export function stateMemory(state: StateDirectory): Memory {
  const file = state.file("veeam", Remembered);
  return {
    get: (address) => Promise.resolve(file.read().servers[address]),
    async set(address, known) {
      await file.update(({ servers }) => ({ servers: { ...servers, [address]: known } }));
    },
  };
}
