import assert from "node:assert/strict";
import { join } from "node:path";
import { lockDataDir, readHolder } from "../../src/store/mod.ts";

/** True when some process holds the lock. */
async function isLocked(dir: string): Promise<boolean> {
  using file = await Deno.open(join(dir, "lock"), { read: true, write: true, create: true });
  if (!await file.tryLock(true)) return true;
  await file.unlock();
  return false;
}

async function withDir(work: (dir: string) => Promise<void> | void): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const SINCE = "2026-01-02T03:04:05.000Z";

Deno.test("a lock is exclusive until it is released, in one process too", () =>
  withDir(async (dir) => {
    assert.equal(await isLocked(dir), false);
    const lock = lockDataDir(dir, "holdfast serve", SINCE);
    assert.equal(await isLocked(dir), true);
    assert.deepEqual(readHolder(dir), { pid: Deno.pid, command: "holdfast serve", since: SINCE });
    assert.throws(() => lockDataDir(dir, "holdfast users create", SINCE), { kind: "conflict" });
    // The one refused has left the holder's name alone.
    assert.equal(readHolder(dir)?.command, "holdfast serve");
    lock.release();
    assert.equal(await isLocked(dir), false);
    assert.equal(readHolder(dir), undefined);
    lockDataDir(dir, "holdfast users create", SINCE).release();
  }));

Deno.test("a second process is refused naming the holder, and a killed one holds nothing", () =>
  withDir(async (dir) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "-A", join(import.meta.dirname!, "lock_holder.ts"), dir],
      stdout: "piped",
      stdin: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "held\n");
    assert.equal(await isLocked(dir), true);
    assert.throws(() => lockDataDir(dir, "holdfast users create", SINCE), {
      kind: "conflict",
      code: "data_dir_locked",
      message:
        `Cannot use data directory "${dir}": "holdfast serve" (pid ${child.pid}, since ${SINCE}) holds it`,
      hint: /stop it first/,
    });
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assert.equal(await isLocked(dir), false);
    const lock = lockDataDir(dir, "holdfast users create", SINCE);
    assert.equal(readHolder(dir)?.pid, Deno.pid);
    lock.release();
  }));

Deno.test("a lock file somebody scribbled in does not stop anybody", () =>
  withDir(async (dir) => {
    for (const text of ["", "{", "[]", '{"pid":1}', "null"]) {
      await Deno.writeTextFile(join(dir, "lock"), text);
      assert.equal(readHolder(dir), undefined, text);
      lockDataDir(dir, "holdfast serve", SINCE).release();
    }
  }));

Deno.test("a directory that cannot be locked is an error that says so", () =>
  withDir((dir) => {
    assert.throws(() => lockDataDir(join(dir, "absent"), "holdfast serve", SINCE), {
      kind: "unavailable",
      message: /^Cannot lock ".*absent\/lock": /,
    });
  }));

Deno.test("a lock is free when it was released, also while programs are being started", () =>
  withDir(async (dir) => {
    const starter = new Worker(new URL("program_starter.ts", import.meta.url).href, { type: "module" });
    try {
      await new Promise((resolve) => starter.onmessage = resolve);
      for (let round = 0; round < 2000; round++) lockDataDir(dir, "holdfast", SINCE).release();
    } finally {
      starter.terminate();
    }
  }));
