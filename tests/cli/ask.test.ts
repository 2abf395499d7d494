/** Questions as a person meets them, in a pseudo-terminal. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sourceProgram } from "../support/daemon.ts";
import { hasPty, Pty } from "../support/pty.ts";

const present = hasPty();
if (!present) console.log("skipped: questions in a terminal: there is no script: install util-linux");

async function withShell(work: (shell: Pty) => Promise<void>): Promise<void> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-ask-" }));
  const inherited = Deno.env.toObject();
  const env = {
    HOME: home,
    PATH: inherited.PATH ?? "",
    DENO_DIR: inherited.DENO_DIR ?? join(inherited.HOME ?? "", ".cache/deno"),
    NO_COLOR: "1",
    PS1: "> ",
  };
  const { command, args } = sourceProgram();
  try {
    await using shell = new Pty("/bin/sh", ["-i"], { env, cwd: home });
    await shell.shows(/> $/);
    const words = [command, ...args, "--data-dir", join(home, "data")].map((word) => `'${word}'`);
    await shell.type(`holdfast() { ${words.join(" ")} "$@"; echo "ends with $?"; }\r`);
    await shell.shows(/> $/);
    await work(shell);
    await shell.type("exit\r");
    await shell.exit();
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

if (present) {
  Deno.test("yes is yes, anything else changes nothing and says so, and Ctrl-C ends a question like anything else", () =>
    withShell(async (shell) => {
      await shell.type("holdfast servers create --name web-1 --host 127.0.0.1\r");
      await shell.shows(/ends with 0/);
      await shell.type("holdfast servers delete web-1\r");
      await shell.shows(/\[y\/N\] $/);
      await shell.type("\x03");
      await shell.shows(/Interrupted\.[\s\S]*ends with 130/);
      await shell.type("holdfast servers delete web-1\r");
      await shell.shows(/\[y\/N\] $/);
      await shell.type("no\r");
      await shell.shows(/Nothing was changed\.[\s\S]*ends with 130/);
      await shell.type("holdfast users create --name ada --role admin\r");
      await shell.shows(/Password of the new user: $/);
      await shell.type("half\x03");
      const shown = await shell.shows(/Interrupted\.[\s\S]*ends with 130/);
      assert.doesNotMatch(shown, /half/);
      await shell.type("holdfast users create\r");
      await shell.shows(/--name[\s\S]*ends with 2/);
      await shell.type("holdfast servers delete web-1\r");
      await shell.shows(/\[y\/N\] $/);
      await shell.type("yes\r");
      await shell.shows(/ends with 0/);
    }));
}
