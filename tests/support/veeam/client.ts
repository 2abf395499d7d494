/** Clients of a fake server, in this process. */
import { VeeamClient } from "../../../src/veeam/client.ts";
import type { Memory } from "../../../src/veeam/memory.ts";
import { processMemory } from "./memory.ts";
import type { VeeamServerSettings } from "../../../src/veeam/config.ts";
import type { FakeVeeam } from "./fake.ts";

/** A signal that nobody aborts. */
export const never = (): AbortSignal => new AbortController().signal;

/** A client of the fake, without a network between. */
export function clientOf(
  fake: FakeVeeam,
  options: { memory?: Memory; settings?: Partial<VeeamServerSettings>; pageSize?: number; notes?: string[] } =
    {},
): VeeamClient {
  return new VeeamClient({
    name: "vbr-1",
    settings: { ...fake.settings, ...options.settings },
    clock: fake.clock,
    memory: options.memory ?? processMemory(),
    timeoutMs: 20_000,
    note: (text) => options.notes?.push(text),
    fetch: fake.fetch,
    pageSize: options.pageSize ?? 100,
  });
}
