/** A process that takes the lock of a data directory, says so, and holds it until it is killed. */
import { lockDataDir } from "../../src/store/lock.ts";

lockDataDir(Deno.args[0]!, "holdfast serve", "2026-01-02T03:04:05.000Z");
console.log("held");
setInterval(() => {}, 60_000);
