/**
 * Where archives are made, verified, listed and restored, off the daemon's thread.
 *
 * Started by file name, so a compiled program has to be told to include this file.
 */
import { getPriority, setPriority } from "node:os";
import { list } from "./list.ts";
import { make } from "./make.ts";
import { PortHost } from "./port-host.ts";
import { press } from "./press.ts";
import { type Command, type Host, isTaskMessage, type Tasks } from "./protocol.ts";
import { restore } from "./restore.ts";
import { verify } from "./verify.ts";

/** By how much less urgent than the daemon's the work of a backup is, as in `nice -n`. */
const NICER = 5;

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const command: Command = event.data;
  yieldToOthers();
  if (command.role === "press") return press(command.port, command.compression, command.level);
  const host = new PortHost(command.port, command.cancelled);
  command.port.addEventListener("message", (event) => {
    if (isTaskMessage(event.data)) host.answer(run(event.data.task, host));
  });
  command.port.start();
});

async function run(task: Tasks[keyof Tasks]["task"], host: Host): Promise<unknown> {
  switch (task.task) {
    case "make":
      return await make(task, host);
    case "verify":
      return await verify(task, host);
    case "list":
      return await list(task, host);
    case "restore":
      return await restore(task, host);
  }
}

/** A backup may take the time the daemon does not need; on Linux this sets the priority of this thread alone. */
function yieldToOthers(): void {
  if (Deno.build.os !== "linux") return;
  try {
    setPriority(0, Math.min(19, getPriority(0) + NICER));
  } catch {
    // Without the permission it runs as everything else does.
  }
}
