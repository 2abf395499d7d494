import assert from "node:assert/strict";
import { authorizeCheck, parseCheck, RunningCheck } from "../../src/servers/mod.ts";
import { createServer, updateServer } from "../../src/servers/operations.ts";
import { admin, local, ofKind, operator, registry } from "./fixture.ts";

const COMMAND = { kind: "command" as const, command: ["true"] };
const tcp = (host?: string) => ({ kind: "tcp", port: 22, ...(host === undefined ? {} : { host }) }) as const;
const http = (url: string) => ({ kind: "http", url }) as const;

Deno.test("who may set which running check", () => {
  const rows: [RunningCheck, "operator" | "admin" | "local", boolean, "ok" | "refused"][] = [
    [COMMAND, "operator", true, "refused"],
    [COMMAND, "admin", false, "refused"],
    [COMMAND, "admin", true, "ok"],
    [COMMAND, "local", false, "refused"],
    [tcp(), "operator", false, "ok"],
    [tcp("web.example.org"), "operator", false, "ok"],
    [tcp("WEB.example.org"), "operator", false, "ok"],
    [tcp("127.0.0.1"), "operator", false, "refused"],
    [tcp("127.0.0.1"), "admin", false, "ok"],
    [tcp("127.0.0.1"), "local", false, "ok"],
    [http("http://web.example.org:8080/health"), "operator", false, "ok"],
    [http("http://web.example.org@127.0.0.1/"), "operator", false, "refused"],
    [http("http://web.example.org.evil.example/"), "operator", false, "refused"],
    [http("http://0x7f000001/"), "operator", false, "refused"],
    [http("http://127.0.0.1/"), "admin", false, "ok"],
    [{ kind: "process", name: "sshd" }, "operator", false, "ok"],
    [{ kind: "systemd", unit: "ssh.service" }, "operator", false, "ok"],
    [{ kind: "none" }, "operator", false, "ok"],
  ];
  const callers = { operator: operator(), admin: admin(), local: local() };
  for (const [check, who, commands, expected] of rows) {
    const judge = () => authorizeCheck(check, "web.example.org", callers[who], commands);
    const label = `${JSON.stringify(check)} by ${who}`;
    if (expected === "ok") judge();
    else assert.throws(judge, ofKind("forbidden"), label);
  }
});

Deno.test("an operator may change a server whose command an admin set, but not the command", async () => {
  await using world = await registry({ allow_commands: true });
  await world.ask(createServer, { name: "web", host: "h", running_check: COMMAND }, admin());
  const other = { ...COMMAND, command: ["false"] };
  await assert.rejects(
    world.ask(updateServer, { server: "web", running_check: other }, operator()),
    ofKind("forbidden"),
  );
  const kept = await world.ask(
    updateServer,
    { server: "web", host: "i", running_check: COMMAND },
    operator(),
  );
  assert.deepEqual([kept.host, kept.running_check], ["i", COMMAND]);
});

Deno.test("a check that names the server's host does not outlive a change of the host by an operator", async () => {
  await using world = await registry();
  await world.ask(
    createServer,
    { name: "web", host: "a.example.org", running_check: tcp("a.example.org") },
    operator(),
  );
  await assert.rejects(
    world.ask(updateServer, { server: "web", host: "b.example.org" }, operator()),
    ofKind("forbidden"),
  );
  await world.ask(updateServer, { server: "web", host: "b.example.org", running_check: tcp() }, operator());
});

Deno.test("a running check is typed in a short form", () => {
  const rows: [string, unknown][] = [
    ["none", { kind: "none" }],
    ["tcp:25565", { kind: "tcp", port: 25565 }],
    ["tcp:db.example.org:5432", { kind: "tcp", host: "db.example.org", port: 5432 }],
    ["tcp:[::1]:5432", { kind: "tcp", host: "::1", port: 5432 }],
    ["https://web.example.org/up", { kind: "http", url: "https://web.example.org/up" }],
    ["process:nginx", { kind: "process", name: "nginx" }],
    ["systemd:nginx.service", { kind: "systemd", unit: "nginx.service" }],
    ['{"kind":"command","command":["pgrep","x"]}', { kind: "command", command: ["pgrep", "x"] }],
  ];
  for (const [text, expected] of rows) assert.deepEqual(RunningCheck.parse(parseCheck(text)), expected, text);
  for (const text of ["", "tcp", "tcp:", "tcp:host", "none:x", "ssh:22", "{bad", "process:", "process"]) {
    assert.throws(() => parseCheck(text), ofKind("invalid", /Cannot read running check/), text);
  }
});
