/** The record of what is not in an archive: every item counted and named in the log, the list itself bounded. */
import type { SkippedItem } from "../../engine.ts";
import type { Host } from "./protocol.ts";

/** Most items listed by name in the manifest; beyond it they are counted only. */
export const MAX_SKIPPED_ITEMS = 10_000;

const WORDS: Record<SkippedItem["reason"], string> = {
  unreadable: "cannot be read",
  vanished: "vanished",
  changed: "changed while it was read",
  socket: "is a socket, which is not kept",
  device: "is a device, which is not kept",
  fifo: "is a named pipe, which is not kept",
  bad_name: "has a name that is not UTF-8",
  too_long: "has a path that is too long",
};

/** Collects skipped items and warns of each. */
export class SkippedItems {
  readonly items: SkippedItem[] = [];
  readonly counts: Record<string, number> = {};
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  add(path: string, reason: SkippedItem["reason"], detail?: string): void {
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
    if (this.items.length === MAX_SKIPPED_ITEMS) {
      this.#host.log(
        "warning",
        `More than ${MAX_SKIPPED_ITEMS} items were skipped: the rest is counted only`,
      );
    }
    if (this.items.length >= MAX_SKIPPED_ITEMS) return;
    this.items.push({ path, reason, ...(detail === undefined ? {} : { detail }) });
    this.#host.log("warning", `"${path}" ${WORDS[reason]}${detail === undefined ? "" : `: ${detail}`}`);
  }
}
