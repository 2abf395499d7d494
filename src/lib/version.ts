/** The release. One place; `deno.json` and the release build are checked against it. */
export const VERSION = "0.1.0";
