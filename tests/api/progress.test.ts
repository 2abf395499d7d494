/** Long work over HTTP: one JSON document, or, to who prefers them, events of which the last holds that document. */
import assert from "node:assert/strict";
import { HoldfastError } from "../../src/lib/errors.ts";
import { SOCKET, testApp } from "../support/app.ts";
import { endlessWork, HALF, longWork, PATH, VERIFIED } from "../support/long_work.ts";
import { within } from "../support/wait.ts";
import { problemOf } from "./problem.ts";

const EVENTS = { accept: "text/event-stream" };

const post = (accept?: string) =>
  new Request(`http://holdfast.test${PATH}`, {
    method: "POST",
    ...(accept === undefined ? {} : { headers: { accept } }),
  });

/** The events of an answer. */
async function eventsOf(answer: Response): Promise<unknown[]> {
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  return [...(await answer.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ""));
}

Deno.test("the answer is one JSON document unless events are preferred, and nobody is told of progress then", async () => {
  let watched: boolean | undefined;
  const { api } = longWork(({ report }) => {
    watched = report !== undefined;
    report?.(HALF);
    return Promise.resolve(VERIFIED);
  });
  const mixed = "application/json, text/event-stream";
  for (const accept of [undefined, "*/*", "application/json", mixed, "text/event-stream;q=0, */*"]) {
    const answer = await api(post(accept), SOCKET);
    assert.equal(answer.headers.get("content-type"), "application/json", accept);
    assert.deepEqual(await answer.json(), VERIFIED);
    assert.equal(watched, false);
  }
  for (
    const accept of ["text/event-stream", "text/event-stream, application/json;q=0.5", "Text/Event-Stream"]
  ) {
    const answer = await api(post(accept), SOCKET);
    assert.equal(answer.status, 200);
    assert.deepEqual(await eventsOf(answer), [{ type: "progress", ...HALF }, {
      type: "result",
      result: VERIFIED,
    }]);
  }
});

Deno.test("what fails at once has its status, what fails later is an event", async () => {
  const full = new HoldfastError("exhausted", "Cannot write: the disk is full");
  const early = longWork(() => Promise.reject(full));
  await problemOf(await early.api(post(EVENTS.accept), SOCKET), 507);
  const late = longWork(({ report }) => {
    report?.(HALF);
    return Promise.reject(full);
  });
  const [, error] = await eventsOf(await late.api(post(EVENTS.accept), SOCKET));
  assert.equal(Reflect.get(Object(error), "status"), 507);
});

Deno.test("who stops reading the events ends the work", async () => {
  const { work, ended } = endlessWork();
  const answer = await longWork(work).api(post(EVENTS.accept), SOCKET);
  await answer.body?.cancel();
  await within(120, "the end of the work", ended);
});

Deno.test("asking for events gets nobody further than asking for JSON", async () => {
  await using t = await testApp();
  const path = "/api/v1/backups/nothing/prove";
  const ask = async (token?: string) => await t.request("POST", path, { token, headers: EVENTS });
  await problemOf(await ask(), 401);
  await problemOf(await ask(await t.keyFor("user")), 403);
  await problemOf(await ask(await t.keyFor("operator")), 404);
});
