import assert from "node:assert/strict";
import { join } from "node:path";
import type { ResourceCaps } from "../../../../src/backups/engine.ts";
import { type CapHost, capped, thisHost } from "../../../../src/backups/engines/tools/caps.ts";
import { runTool } from "../../../../src/backups/engines/tools/run.ts";
import { Secrets } from "../../../../src/backups/engines/tools/secrets.ts";

const NONE: ResourceCaps = { nice: null, io_class: "none", memory_max_bytes: null, cpu_max_percent: null };
const COMMAND = { program: "/bin/tool", args: ["a", "b c"] };

/** A host with these programs, and whatever else is told. */
async function host(programs: string[], about: Partial<CapHost> = {}) {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-caps-" });
  for (const program of programs) await Deno.writeTextFile(join(dir, program), "", { mode: 0o755 });
  return {
    dir,
    host: { path: dir, systemd: () => Promise.resolve(false), groups: [], ...about },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** The command as one line, the directory of the programs left out. */
const line = ({ program, args }: { program: string; args: string[] }, dir: string) =>
  [program, ...args].join(" ").replaceAll(`${dir}/`, "");

Deno.test("without caps a command is what it was", async () => {
  await using made = await host([]);
  assert.deepEqual(await capped(COMMAND, undefined, made.host), { ...COMMAND, missing: [] });
  assert.deepEqual(await capped(COMMAND, NONE, made.host), { ...COMMAND, missing: [] });
});

Deno.test("priorities go through nice and ionice, limits through a scope of systemd", async () => {
  const systemd = { systemd: () => Promise.resolve(true) };
  await using made = await host(["nice", "ionice", "systemd-run"], systemd);
  const caps: ResourceCaps = { nice: 10, io_class: "idle", memory_max_bytes: 1 << 28, cpu_max_percent: 50 };
  const user = Deno.uid() === 0 ? "" : " --user";
  assert.equal(
    line(await capped(COMMAND, caps, made.host), made.dir),
    `systemd-run --scope --quiet --collect${user} -p MemoryMax=268435456 -p CPUQuota=50% -- ` +
      "nice -n 10 ionice -c 3 /bin/tool a b c",
  );
  const best = await capped(COMMAND, { ...NONE, io_class: "best-effort" }, made.host);
  assert.equal(line(best, made.dir), "ionice -c 2 -n 7 /bin/tool a b c");
});

Deno.test("what this host cannot do is said, and the program runs without", async () => {
  await using made = await host([]);
  const caps: ResourceCaps = { ...NONE, nice: 5, memory_max_bytes: 1 << 28 };
  const { missing, ...command } = await capped(COMMAND, caps, made.host);
  assert.deepEqual(command, COMMAND);
  assert.deepEqual(missing, [
    "nice is not installed",
    "memory and CPU time cannot be capped: there is neither systemd nor a cgroup v2 to write to",
  ]);
});

Deno.test("without systemd limits are written to a control group of the program's own", async () => {
  const group = await Deno.makeTempDir({ prefix: "holdfast-group-" });
  try {
    await Deno.writeTextFile(join(group, "cgroup.procs"), "");
    // Left by a program before.
    await Deno.mkdir(join(group, "holdfast-1"));
    const { program, args } = await capped(
      { program: "/bin/sh", args: ["-c", 'echo "$$ $1"', "sh", "it's me"] },
      { ...NONE, memory_max_bytes: 1 << 28, cpu_max_percent: 150 },
      { ...thisHost(), systemd: () => Promise.resolve(false), groups: ["/nonexistent", group] },
    );
    const { stdout } = await new Deno.Command(program, { args }).output();
    const [pid, said] = new TextDecoder().decode(stdout).trim().split(/ (.*)/);
    assert.equal(said, "it's me");
    const read = (file: string) => Deno.readTextFileSync(join(group, `holdfast-${pid}`, file)).trim();
    assert.equal(read("memory.max"), "268435456");
    assert.equal(read("cpu.max"), "150000 100000");
    assert.equal(read("cgroup.procs"), pid);
    await assert.rejects(Deno.stat(join(group, "holdfast-1")), Deno.errors.NotFound);
  } finally {
    await Deno.remove(group, { recursive: true });
  }
});

Deno.test("a program runs with the priority it is given", async () => {
  const lines: string[] = [];
  const context = {
    signal: new AbortController().signal,
    log: (_: string, text: string) => void lines.push(text),
    secret: () => Promise.reject(new Error("none")),
    caps: { ...NONE, nice: 7 },
  };
  const { code } = await runTool({ name: "nice", program: "/bin/sh", args: ["-c", "nice"] }, {
    context,
    secrets: new Secrets(context),
  });
  assert.equal(code, 0);
  assert.deepEqual(lines, ["nice: 7"]);
});
