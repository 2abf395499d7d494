/**
 * Where files are listed, read, hashed and copied, off the daemon's thread.
 *
 * Started by file name, so a compiled program has to be told to include this file.
 */
import { type TaskName, type Tasks, work } from "./tasks.ts";

globalThis.addEventListener("message", (event) => {
  if (event instanceof MessageEvent) answer(event.data);
});

function answer<Name extends TaskName>(
  { task, takes, port }: { task: Name; takes: Tasks[Name]["takes"]; port: MessagePort },
): void {
  port.postMessage(work(task, takes));
}
