/** What is remembered of servers, for tests. */
import type { Known, Memory } from "../../../src/veeam/memory.ts";

/** Forgets with the process. */
export function processMemory(): Memory {
  const known = new Map<string, Known>();
  return {
    get: (address) => Promise.resolve(known.get(address)),
    set: (address, value) => Promise.resolve(void known.set(address, value)),
  };
}
