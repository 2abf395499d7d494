/** Starts one program after the other, from a thread of its own; says so after the first. */
declare const self: { postMessage(message: string): void };

while (true) {
  await new Deno.Command("true", { stdin: "null", stdout: "null", stderr: "null" }).output();
  self.postMessage("started");
}
