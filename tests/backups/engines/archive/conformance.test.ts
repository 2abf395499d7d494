import { join } from "node:path";
import { archiveEngine } from "../../../../src/backups/engines/archive.ts";
import { conformance } from "../conformance.ts";

conformance({
  engine: archiveEngine,
  options: (source, destination) => ({ sources: [source], destination }),
  restoredAt: (target, source) => join(target, source),
});
