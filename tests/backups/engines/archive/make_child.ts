/** Makes one artifact in a process of its own and prints it as JSON: for tests that bind or kill the process. */
import { archiveEngine } from "../../../../src/backups/engines/archive.ts";
import { RecordingContext } from "../context.ts";

const request = JSON.parse(Deno.args[0] ?? "{}");
console.log(JSON.stringify(await archiveEngine.make({ ...request, labels: {} }, new RecordingContext())));
