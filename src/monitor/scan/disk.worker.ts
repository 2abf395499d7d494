/**
 * Where files are listed, read, hashed and copied, off the daemon's thread.
 *
 * Started by file name, so a compiled program has to be told to include this file.
 */
import { type TaskName, type Tasks, work } from "./tasks.ts";

globalThis.addEventListener("message", (event) => {
  if (event instanceof MessageEvent) serve(event.data);
});

function serve(port: MessagePort): void {
  port.onmessage = <Name extends TaskName>(
    event: MessageEvent<{ task: Name; takes: Tasks[Name]["takes"] }>,
  ) => port.postMessage(work(event.data.task, event.data.takes));
}
