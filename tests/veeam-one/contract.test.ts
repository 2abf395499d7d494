/** What is sent and what the played server answers, held to a description of the API, where one is at hand. */
import assert from "node:assert/strict";
import type { Exchange } from "../support/veeam_one.ts";
import { Description } from "../vpn/conformance.ts";
import { CALLER, oneWorld } from "./fixture.ts";

const FILE = "veeam-one-2.3-subset-reconstructed.json";

/** Kinds of jobs the description knows. */
const KINDS = ["vm-backup", "backup-to-tape"] as const;

function description(): Description | undefined {
  for (const directory of [Deno.env.get("HOLDFAST_SPECS"), "../shared/specs"]) {
    try {
      if (directory !== undefined) return new Description(Deno.readTextFileSync(`${directory}/${FILE}`));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  console.log(`skipped: Veeam ONE held to its description: there is no ${FILE}: set HOLDFAST_SPECS`);
  return undefined;
}

/** The description says of a form what its fields are. */
function jsonOf({ path, body }: Exchange): string {
  return path === "/api/token" ? JSON.stringify(Object.fromEntries(new URLSearchParams(body))) : body;
}

Deno.test("every request and every answer fits the description", async () => {
  const api = description();
  if (api === undefined) return;
  await using world = await oneWorld();
  await world.one.about({}, CALLER);
  await world.one.alarms({ status: ["Error"] }, CALLER);
  await world.one.alarm({ alarm: "4711" }, CALLER);
  await world.one.resolve({ alarms: [4712], comment: "seen" }, CALLER);
  await world.one.repositories({}, CALLER);
  await world.one.tapeServers({}, CALLER);
  await world.one.jobs({ kind: KINDS, status: ["Failed"] }, CALLER);
  world.clock.advance(900_000);
  await world.one.backupServers({}, CALLER);
  const calls = world.server.exchanges.map((call) => ({
    ...call,
    body: jsonOf(call),
    headers: {},
    type: "",
  }));
  assert.deepEqual(calls.flatMap((call) => api.problemsOf(call)), []);
  assert.ok(world.server.exchanges.length > 12);
});
