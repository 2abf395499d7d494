/** Rows about the catalogue. */
import { join } from "node:path";
import type { Row, Rows } from "../row.ts";
import { serversIn } from "./schedules.ts";

const one = (role: Row["role"]): Row => ({
  role,
  limited: "scoped",
  input: (_, server) => ({ backup: server.backup }),
});

export const backupRows: Rows = {
  "backups.list": { role: "user", limited: serversIn(), input: () => ({}) },
  "backups.get": one("user"),
  "backups.contents": one("operator"),
  "backups.verify": one("operator"),
  "backups.restore": {
    role: "operator",
    limited: "scoped",
    input: (world, server) => ({
      backup: server.backup,
      to: join(world.files, world.fresh("restored")),
    }),
  },
  "backups.prove": one("operator"),
  "backups.proofs": { role: "user", limited: serversIn(), input: () => ({}) },
  "backups.delete": {
    role: "operator",
    limited: "scoped",
    input: async (world, server) => ({
      backup: (await world.run(await world.schedule(server))).backup,
      force: true,
    }),
  },
  "backups.prune": {
    role: "operator",
    limited: "scoped",
    input: (_, server) => ({ schedule: server.schedule, dry_run: true }),
  },
  "backups.undelete": {
    role: "operator",
    limited: "scoped",
    input: async (world, server) => {
      const { backup } = await world.run(await world.schedule(server));
      await world.local("DELETE", `/api/v1/backups/${backup}?force=true`);
      return { backup };
    },
  },
  "backups.trash.list": { role: "user", limited: serversIn(), input: () => ({}) },
  "backups.trash.empty": {
    role: "operator",
    limited: "free",
    input: () => ({ older_than_seconds: 86_400 }),
  },
  "engines.list": { role: "user", limited: "free", input: () => ({}) },
  "engines.get": { role: "user", limited: "free", input: () => ({ kind: "archive" }) },
  "backups.import": {
    role: "operator",
    limited: "refused",
    input: (world) => ({ directory: join(world.files, "backups") }),
  },
};
