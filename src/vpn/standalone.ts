/** Tenants asked from a command of its own: no daemon, no data directory, no configuration file. */
import type { Clock } from "../lib/clock.ts";
import { formatDuration } from "../lib/duration.ts";
import type { StateDirectory } from "../lib/state.ts";
import type { VpnConfig } from "./config.ts";
import { Remembered } from "./tenants.ts";
import { Vpn } from "./vpn.ts";

/** What such a command has. */
export interface StandaloneContext {
  state: StateDirectory;
  clock: Clock;
  note(sentence: string): void;
}

/** Opens the slice for one command; sends nothing yet. */
export function openStandalone(
  settings: VpnConfig,
  { state, clock, note }: StandaloneContext,
): Promise<{ app: { vpn: Vpn }; close(): Promise<void> }> {
  const vpn = new Vpn({
    settings,
    clock,
    memory: state.file("vpn", Remembered),
    onWait: (ms, reason) => note(`waiting ${formatDuration(Math.ceil(ms / 1000))}: ${reason}`),
  });
  return Promise.resolve({ app: { vpn }, close: () => vpn.close() });
}
