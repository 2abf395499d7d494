/**
 * Where archives are made, verified, listed and restored, off the daemon's thread.
 *
 * Started by file name, so a compiled program has to be told to include this file.
 */
import { Courtesy } from "../../../lib/courtesy.ts";
import type { Command, Host, Tasks } from "./protocol.ts";

/** By how much less urgent than the daemon's the work of a backup is, as in `nice -n`. */
const NICER = 5;

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  start(event.data);
});

// Each worker loads only what it is for: half of a short run is spent on loading.
async function start(command: Command): Promise<void> {
  const courtesy = new Courtesy(command.requests);
  if (command.role === "press") {
    const { press } = await import("./press.ts");
    press(command.port, command.compression, command.level, courtesy);
  } else {
    const { PortHost } = await import("./port-host.ts");
    new PortHost(command.port, command.cancelled, courtesy).serve(run);
  }
  await yieldToOthers();
}

async function run(task: Tasks[keyof Tasks]["task"], host: Host): Promise<unknown> {
  switch (task.task) {
    case "make":
      return await (await import("./make.ts")).make(task, host);
    case "verify":
      return await (await import("./verify.ts")).verify(task, host);
    case "list":
      return await (await import("./list.ts")).list(task, host);
    case "restore":
      return await (await import("./restore.ts")).restore(task, host);
  }
}

/** A backup may take the time the daemon does not need; on Linux this sets the priority of this thread alone. */
async function yieldToOthers(): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const { getPriority, setPriority } = await import("node:os");
  try {
    setPriority(0, Math.min(19, getPriority(0) + NICER));
  } catch {
    // Without the permission it runs as everything else does.
  }
}
