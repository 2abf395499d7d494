/** kill -9 of the compiled daemon at any moment: while it starts, while it archives, while it writes down what it did. */
import assert from "node:assert/strict";
import { NewApiKey } from "../../src/auth/model.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { addSchedule, backupsOf, logsOf } from "../support/backed_up.ts";
import { sandbox } from "../support/daemon.ts";
import { makeTree } from "../support/tree.ts";
import { begin } from "./life.ts";
import { isSound } from "./sound.ts";
import { Tally } from "./tally.ts";

const daemonKills = new Tally("daemon");

Deno.test("a daemon killed twelve times at any moment leaves nothing half, and nothing stuck", async () => {
  await using box = await sandbox();
  await makeTree(box.path("data"), { "noise.bin": { size: 6_000_000 }, "a/b.txt": "beta" });
  await Deno.mkdir(box.path("backups"));
  for (const name of ["one", "two"]) {
    await addSchedule(box, { name, more: ["--max-backups", "2"] });
  }
  const { key } = await box.json(NewApiKey, "api-keys", "create", "--name", "agent", "--role", "operator");
  const runs = async (url: string, name: string) => {
    const path = `/api/v1/backup-scheduler/schedules/${name}/trigger`;
    const answer = await fetch(url + path, { method: "POST", headers: { "x-api-key": key } });
    assert.equal(answer.status, 202, await answer.text());
  };
  // A fixed sequence, so that what is tried does not change; where it hits does.
  let seed = 11;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const later = () => new Promise((resolve) => setTimeout(resolve, random(900)));
  for (let kills = 0; kills < 12; kills++) {
    if (kills % 4 === 3) {
      const daemon = box.start();
      // It is not waited for; that it does not come to answer is the point.
      daemon.ready.catch(() => {});
      await later();
      await daemon.kill();
    } else {
      const daemon = await box.serve();
      await Promise.all([runs(daemon.url, "one"), runs(daemon.url, "two")]);
      await later();
      await daemon.kill();
    }
    await daemonKills.survive(async () => {
      await using life = await begin(box.dataDir, systemClock);
      await isSound(life, box.path("backups"));
    });
  }
  const daemon = await box.serve();
  for (const name of ["one", "two"]) await box.ok("schedules", "trigger", name, "--wait");
  assert.equal((await daemon.stop()).code, 0, daemon.stderr);
  const logs = [...await logsOf(box, "one"), ...await logsOf(box, "two")];
  assert.equal(logs.length, 2 * (9 + 1), "every run that was promised has its log");
  const kept = Map.groupBy(await backupsOf(box), (backup) => backup.schedule_id);
  assert.ok(kept.size === 2 && [...kept.values()].every((backups) => backups.length <= 2));
  const words = Map.groupBy(logs, (log) => log.outcome);
  console.log(
    `After twelve kills: ${[...words].map(([word, found]) => `${found.length} ${word}`).join(", ")}`,
  );
});
