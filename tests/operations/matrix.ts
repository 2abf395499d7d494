/**
 * The matrix: each operation asked over HTTP by nobody, by every wrong role, by every right one and by callers who
 * are limited to servers, with a field that does not exist, about a thing that does not exist; and the audit line.
 */
import assert from "node:assert/strict";
import { allOperations } from "../../src/catalogue.ts";
import { hasRole, isWrite, type Operation, type Role } from "../../src/lib/operation.ts";
import { type ServerThings, type World, world } from "../support/world.ts";
import { ask, type Input, pathFields, type Row, type Rows, successOf } from "./row.ts";

const PEOPLE = ["user", "operator", "admin"] as const;

/** Registers a test that goes through the rows; each operation is a step of it. `settings` as for `testApp`. */
export function testRows(slice: string, rows: Rows, settings: Record<string, string> = {}): void {
  Deno.test(`${slice} answer nobody, wrong roles, right roles and limited callers as they should`, async (t) => {
    const operations = await allOperations();
    await using w = await world({ "servers.check_timeout_seconds": "60", ...settings });
    const callers = await callersOf(w);
    for (const [name, row] of Object.entries(rows)) {
      const op = operations.find((candidate) => candidate.name === name);
      assert.ok(op, `there is no operation ${name}`);
      await t.step(name, () => new Case(w, op, row, callers).judge());
    }
  });
}

/** API keys by role, and those limited to web-1. */
interface Callers {
  unlimited: Record<Exclude<Role, "public">, string>;
  limited: Record<"user" | "operator", string>;
}

async function callersOf(w: World): Promise<Callers> {
  return {
    unlimited: {
      user: await w.keyFor("user"),
      operator: await w.keyFor("operator"),
      admin: await w.keyFor("admin"),
    },
    limited: {
      user: await w.keyFor("user", [w.own.id]),
      operator: await w.keyFor("operator", [w.own.id]),
    },
  };
}

class Case {
  readonly #world: World;
  readonly #op: Operation;
  readonly #row: Row;
  readonly #callers: Callers;

  constructor(world: World, op: Operation, row: Row, callers: Callers) {
    this.#world = world;
    this.#op = op;
    this.#row = row;
    this.#callers = callers;
  }

  async judge(): Promise<void> {
    const input = await this.#input(this.#world.own);
    await this.#refusals(input);
    await this.#badInput(input);
    await this.#successes(input);
    await this.#assignment();
  }

  async #input(server: ServerThings): Promise<Input> {
    return await this.#row.input(this.#world, server);
  }

  /** Nobody is told to log in, a wrong role that it may not. */
  async #refusals(input: Input): Promise<void> {
    if (this.#row.role === "public") return;
    const nobody = await this.#ask(input);
    assert.equal(nobody.status, 401, "nobody");
    assert.match(nobody.headers.get("www-authenticate") ?? "", /^Bearer/);
    for (const role of PEOPLE.filter((role) => !hasRole(role, this.#row.role))) {
      const answer = await this.#ask(input, this.#callers.unlimited[role]);
      assert.equal(answer.status, 403, role);
      assert.match((await answer.json()).detail, new RegExp(`needs role ${this.#row.role}`));
    }
  }

  /** A field nobody knows is refused by name, a thing that is not there is not found. */
  async #badInput(input: Input): Promise<void> {
    const token = this.#callers.unlimited.admin;
    const unknown = await this.#ask({ ...input, colour: "red" }, token);
    assert.equal(unknown.status, 400, "unknown field");
    assert.match((await unknown.json()).detail, /"colour"/);
    const field = pathFields(this.#op).at(-1);
    if (field === undefined || this.#row.missing === false) return;
    const missing = await this.#ask({ ...input, [field]: "no-such-thing" }, token);
    assert.equal(missing.status, 404, "missing thing");
    await missing.body?.cancel();
  }

  async #successes(first: Input): Promise<void> {
    const { role, as } = this.#row;
    if (as !== undefined) return await this.#success(first, await as(this.#world), "person");
    if (role === "public") return await this.#success(first, undefined, "nobody");
    let input = first;
    for (const able of PEOPLE.filter((candidate) => hasRole(candidate, role))) {
      await this.#success(input, this.#callers.unlimited[able], able);
      input = await this.#input(this.#world.own);
    }
  }

  /** It works, and a change leaves a line that says who asked what, without a secret. */
  async #success(input: Input, token: string | undefined, who: string): Promise<void> {
    const requestId = `${this.#op.name}-${crypto.randomUUID()}`.slice(-64);
    const answer = await this.#ask(input, token, { "x-request-id": requestId });
    const text = await textOf(answer);
    assert.equal(answer.status, successOf(this.#op), `${who}: ${text}`);
    assert.equal(answer.headers.get("x-request-id"), requestId);
    if (answer.status === 204) assert.equal(text, "");
    else if (this.#op.stream !== true) this.#op.output.parse(JSON.parse(text));
    if (!isWrite(this.#op) || this.#op.unaudited === true) return;
    const { lines } = await this.#world.local("GET", "/api/v1/audit?limit=20");
    const own = lines.filter((line: { request_id: string }) => line.request_id === requestId);
    assert.ok(own.length > 0, `${who}: no audit line`);
    for (const line of own) {
      assert.equal(line.operation, this.#op.name);
      assert.equal(line.address, "192.0.2.10");
      assert.notEqual(line.target, "");
      assert.match(line.caller_name, who === "person" ? /^bo-/ : new RegExp(`^key:${who}-`));
    }
    for (const secret of secretsIn(input, text)) assert.ok(!JSON.stringify(own).includes(secret), who);
  }

  /** Assignment to web-1 lets in to things of web-1, and of no other server. */
  async #assignment(): Promise<void> {
    const { role, limited, about, as } = this.#row;
    // A key is no person and has no session; persons who are assigned are asked in the tests of the log-in.
    if (limited === "never" || role === "public" || as !== undefined) return;
    const { own, foreign } = this.#world;
    for (const able of (["user", "operator"] as const).filter((candidate) => hasRole(candidate, role))) {
      const token = this.#callers.limited[able];
      const inputFor = async (server: ServerThings) => about?.(server) ?? await this.#input(server);
      const answer = await this.#ask(await inputFor(own), token);
      const text = await textOf(answer);
      if (limited === "refused") {
        assert.equal(answer.status, 403, `limited ${able}: ${text}`);
        continue;
      }
      if (about !== undefined) assert.ok(![401, 403].includes(answer.status), `limited ${able}: ${text}`);
      else assert.equal(answer.status, successOf(this.#op), `limited ${able}: ${text}`);
      if (typeof limited === "object") {
        assert.ok(limited.servers(JSON.parse(text)).every((id) => id === own.id), `limited ${able}: ${text}`);
      }
      if (limited !== "scoped") continue;
      const refused = await this.#ask(await inputFor(foreign), token);
      assert.equal(refused.status, 403, `limited ${able} on a foreign server: ${await refused.text()}`);
    }
  }

  #ask(input: Input, token?: string, headers?: Record<string, string>): Promise<Response> {
    return ask(this.#world, this.#op, input, token, headers);
  }
}

/** The body, or of a stream, which may never end, the first event. */
async function textOf(answer: Response): Promise<string> {
  if (answer.headers.get("content-type") !== "text/event-stream" || answer.body === null) {
    return await answer.text();
  }
  let text = "";
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (/^data: .*\n\n/m.test(text)) break;
  }
  return text;
}

/** What must not be written down: passwords and values that were sent, keys and tokens that came back. */
function secretsIn(input: Input, answer: string): string[] {
  const sent = ["password", "current_password", "value", "code", "refresh_token"].map((name) => input[name]);
  const got = [...answer.matchAll(/"(?:key|access_token|refresh_token)":"([^"]+)"/g)].map((match) =>
    match[1]
  );
  return [...sent, ...got].filter((secret) => typeof secret === "string");
}
