/** Rows about schedules, runs, the scheduler and the ledger. */
import { join } from "node:path";
import type { ServerThings, World } from "../../support/world.ts";
import type { Input, Limited, Row, Rows } from "../row.ts";

/** Server ids of the items of a list, or of the list inside a page. */
export function serversIn(field?: string): Limited {
  return {
    servers(answer) {
      const items = field === undefined ? answer : record(answer)[field];
      if (!Array.isArray(items)) throw new TypeError("expected a list");
      return items.map((item) => Number(record(item).server_id));
    },
  };
}

function record(value: unknown): Record<string, unknown> {
  return { ...(typeof value === "object" ? value : {}) };
}

const list = (field?: string): Row => ({ role: "user", limited: serversIn(field), input: () => ({}) });

const one = (role: Row["role"], fields: Input = {}): Row => ({
  role,
  limited: "scoped",
  input: (_, server) => ({ schedule: server.schedule, ...fields }),
});

const withNew = (fields: Input = {}): Row => ({
  role: "operator",
  limited: "scoped",
  input: async (world, server) => ({ schedule: await world.schedule(server), ...fields }),
});

const log = (role: Row["role"]): Row => ({
  role,
  limited: "scoped",
  input: (_, server) => ({ log: server.log }),
});

const control: Row = { role: "admin", limited: "never", input: () => ({}) };

/** A run that waits for an answer of its server's running check. */
async function waitingRun(world: World, server: ServerThings): Promise<Input> {
  const { host, port } = world.silent;
  const check = (running_check: object) =>
    world.local("PUT", `/api/v1/servers/${server.id}`, { running_check });
  await check({ kind: "http", url: `http://${host}:${port}/` });
  const schedule = await world.schedule(server);
  const { run_id } = await world.local("POST", `/api/v1/backup-scheduler/schedules/${schedule}/trigger`);
  return { log: run_id };
}

export const scheduleRows: Rows = {
  "schedules.list": list(),
  "schedules.get": one("user"),
  "schedules.create": {
    role: "operator",
    limited: "scoped",
    input: (world, server) => ({
      server_id: server.id,
      name: world.fresh("made"),
      interval_hours: 6,
      engine: "archive",
      engine_options: {
        sources: [join(world.files, "data")],
        destination: join(world.files, "backups"),
      },
    }),
  },
  "schedules.update": one("operator", { description: "changed" }),
  "schedules.delete": withNew(),
  "schedules.enable": one("operator"),
  "schedules.disable": withNew(),
  "schedules.trigger": withNew(),
  "schedules.next": one("user", { count: 3 }),
  "schedules.intervals": { role: "user", limited: "free", input: () => ({}) },
  "schedules.logs": list("logs"),
  "schedules.statistics": list("schedules"),
  "schedules.report": one("user"),
  "schedules.log": log("user"),
  "schedules.cancel": { role: "operator", limited: "scoped", input: waitingRun },
  "schedules.follow": log("user"),
  "schedules.events": {
    role: "user",
    limited: "scoped",
    input: (_, server) => ({ server_id: server.id }),
  },
  "scheduler.status": list("current_jobs"),
  "scheduler.start": control,
  "scheduler.stop": control,
  "scheduler.restart": control,
  "ledger.list": list(),
  "ledger.verify": { role: "operator", limited: "refused", input: () => ({}) },
};
