import { generateIdentity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { archiveEngine } from "../../../../src/backups/engines/archive.ts";
import { conformance } from "../conformance.ts";

const identity = await generateIdentity();
const recipient = await identityToRecipient(identity);

conformance({
  name: "archive, encrypted",
  engine: archiveEngine,
  options: (source, destination) => ({
    sources: [source],
    destination,
    encrypt_to: [recipient],
    identity: { secret: "age" },
  }),
  restoredAt: (target, source) => join(target, source),
  secrets: { age: `# created: 2026-01-02\n# public key: ${recipient}\n${identity}\n` },
});
