import { join } from "node:path";
import { archiveEngine, type ArchiveOptions } from "../../../../src/backups/engines/archive.ts";
import { conformance } from "../conformance.ts";

conformance<ArchiveOptions>({
  name: "archive with gzip",
  engine: archiveEngine,
  options: (source, destination) => ({ sources: [source], destination, compression: "gzip", level: 1 }),
  restoredAt: (target, source) => join(target, source),
});
