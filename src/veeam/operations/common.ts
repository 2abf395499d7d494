/** What the operations share: which server, how far back, and how lists look. */
import { z } from "zod";
import type { FlagSpec } from "../../lib/operation.ts";
import type { Veeam } from "../veeam.ts";

/** What the operations need of the app. */
export interface VeeamApp {
  veeam: Veeam;
}

/** Which Veeam server is meant. */
export const one = {
  server: z.string().min(1).optional().describe("Veeam server, where there are several"),
};

export const some = {
  ...one,
  all: z.boolean().default(false).describe("All Veeam servers"),
};

export const live = {
  live: z.boolean().default(false).describe("Ask the server now, not the last synchronisation"),
};

export const Since = z.string().min(1).max(40);

const RESULTS = ["Success", "Warning", "Failed", "None"];

/** A result, in any letter case. A word that is none would find nothing, which looks like nothing that failed. */
export const Result = z.string().refine(
  (text) => RESULTS.some((one) => one.toLowerCase() === text.toLowerCase()),
  `must be one of ${RESULTS.join(", ")}`,
);

/** Flags of {@linkcode some} and {@linkcode live}: switches that nobody negates. */
export const flags: Record<string, FlagSpec> = {
  server: { flag: "--server <name>" },
  all: { flag: "--all" },
  live: { flag: "--live" },
};

/** Where a command runs without daemon, its role is that of a daemon's operator. */
export const reading = { role: "operator", standalone: true } as const;

export const BASE = "/api/v1/veeam";
