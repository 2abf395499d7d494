import { join } from "node:path";
import { archiveEngine } from "../../../src/backups/engines/archive.ts";
import { conformance } from "./conformance.ts";

for (const compression of ["zstd", "gzip"] as const) {
  conformance({
    name: `archive with ${compression}`,
    engine: archiveEngine,
    options: (source, destination) => ({ sources: [source], destination, compression }),
    restoredAt: (target, source) => join(target, source),
  });
}
