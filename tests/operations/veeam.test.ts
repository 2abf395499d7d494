import { systemClock } from "../../src/lib/clock.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";
import { testRows } from "./matrix.ts";
import { veeamRows } from "./rows/veeam.ts";

const fake = new FakeVeeam({ clock: systemClock });
// Every caller starts the same job; a real server would refuse a second run.
fake.startsRun = false;
const served = fake.serve();
const tapes = Deno.makeTempFileSync({ prefix: "holdfast-tapes-" });
Deno.writeTextFileSync(tapes, JSON.stringify({ libraries: [{ name: "Library 1", state: "Online" }] }));

testRows("veeam", veeamRows, {
  VEEAM_HOST: served.url,
  VEEAM_USER: fake.user,
  VEEAM_PASSWORD: fake.password,
  "veeam.tape_export": tapes,
});

Deno.test.afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await Deno.remove(tapes);
});
