/**
 * Arguments in, exit code out. The only place that ends the process.
 *
 * The version is answered here, before anything is loaded: monitoring asks for it often.
 */
import { VERSION } from "./lib/version.ts";

const VERSION_WORDS: ReadonlySet<string> = new Set(["version", "--version", "-V"]);

if (Deno.args.length === 1 && VERSION_WORDS.has(Deno.args[0]!)) {
  console.log(`holdfast ${VERSION}`);
  Deno.exit(0);
}
const { main } = await import("./cli/run.ts");
Deno.exit(await main(Deno.args));
