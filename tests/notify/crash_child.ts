/**
 * Changes a state some times, each with its alert in the same transaction, and delivers until it is killed; with no
 * changes to make it delivers what is left and ends. Arguments: data directory, generation, changes, mail port, address of
 * the web hook.
 */
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { NotifyConfig } from "../../src/notify/config.ts";
import { Notify, type NotifyTables } from "../../src/notify/mod.ts";
import { Database, migrate, tablesOf } from "../../src/store/mod.ts";
import { event } from "./samples.ts";

const [dir = "", generation = "", changes = "0", port = "0", url = ""] = Deno.args;

const database = new Database(join(dir, "holdfast.db"), systemClock);
await migrate(database, dir, systemClock);
const notify = new Notify({
  database,
  clock: systemClock,
  allowCommands: false,
  settings: NotifyConfig.parse({
    mail: { host: "127.0.0.1", port: Number(port), recipients: ["ops@example.org"] },
    channels: { hook: { kind: "webhook", url, allow_private_addresses: true } },
  }),
});
await notify.settle();
await notify.tick();
for (let i = 0; i < Number(changes); i++) {
  const key = `${generation}-${i}`;
  await database.transaction(async (tx) => {
    await tablesOf<NotifyTables>(tx).insertInto("notify_marks").values({ name: `change:${key}`, at: key })
      .execute();
    await notify.enqueue(
      tx,
      event({ key, alert: `job:${key}`, subject: { kind: "job", id: key, name: key } }),
    );
  });
}
await notify.idle();
if (Number(changes) > 0) await new Promise(() => setInterval(() => {}, 1000));
await database.close();
