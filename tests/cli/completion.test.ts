/** The scripts are loaded by real shells, which are then asked what they would offer. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Command, Option } from "commander";
import { main } from "../../src/cli/run.ts";
import { bashScript } from "../../src/cli/commands/completion/bash.ts";
import { fishScript } from "../../src/cli/commands/completion/fish.ts";
import { type Place, placesOf } from "../../src/cli/commands/completion/tree.ts";
import { zshScript } from "../../src/cli/commands/completion/zsh.ts";

/** A program shaped as ours is: global flags, hidden settings, groups, names, choices, paths. */
function program(): Command {
  const root = new Command("holdfast").helpCommand(false)
    .addOption(new Option("-o, --output <form>", "how answers are printed").choices(["table", "json"]))
    .option("--data-dir <value>", "where the data is")
    .addOption(new Option("--api-listen <value>", "address: and port").hideHelp());
  root.command("serve").description("Run the daemon");
  const schedules = root.command("schedules").description("What is backed up when; it's here");
  schedules.command("list").description("List schedules");
  schedules.command("trigger <schedule>").description("Start a run").option("-w, --wait", "wait for the end");
  schedules.command("create").description("Create a schedule")
    .addOption(new Option("--engine <kind>", "engine").choices(["archive", "command"]))
    .option("--server <name>", "server it is for")
    .option("--source <dir>", "what is backed up")
    .option("--name <name>", "its name");
  root.command("servers").description("Servers").command("list").description("List servers");
  const backups = root.command("backups").description("Backups");
  backups.command("import <directory>").description("Rebuild the catalogue");
  backups.command("compare <one> <files...>").description("Compare");
  return root;
}

const SCRIPTS: Record<string, (places: readonly Place[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** A directory with the script, a program that knows names, and something to offer as files. */
async function prepare(shell: string): Promise<{ dir: string } & AsyncDisposable> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-test-" });
  await Deno.writeTextFile(join(dir, "script"), SCRIPTS[shell]!(placesOf(program())));
  await Deno.mkdir(join(dir, "data set"));
  await Deno.writeTextFile(join(dir, "data.txt"), "");
  const answer = `#!/bin/sh
case "$*" in
  "completion names schedules") printf 'nightly\\nnew year\\n' ;;
  "--data-dir /srv/two completion names schedules") printf 'weekly\\n' ;;
  "completion names servers") printf 'web-1\\nweb-2\\n' ;;
esac`;
  await Deno.writeTextFile(join(dir, "holdfast"), answer, { mode: 0o755 });
  return { dir, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

async function run(program: string, args: string[], dir: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: dir,
    stdin: "null",
    clearEnv: true,
    env: { PATH: `${dir}:${Deno.env.get("PATH")}`, HOME: dir, TERM: "dumb", LC_ALL: "C.UTF-8" },
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stderr));
  assert.equal(text.decode(stderr), "");
  return text.decode(stdout);
}

/** Asks a shell what it offers for a line; the cursor stands at its end. */
type Ask = (line: string, dir: string) => Promise<string[]>;

const askBash: Ask = async (line, dir) => {
  // bash itself cuts at equals signs, as COMP_WORDBREAKS says.
  const words = line.split(" ").flatMap((word) => word.split(/(=)/).filter((part) => part !== ""));
  if (line.endsWith(" ")) words.push("");
  const asked = `source ./script; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); ` +
    `COMP_CWORD=${words.length - 1}; _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return lines(await run("bash", ["--norc", "-c", asked], dir));
};

const askFish: Ask = async (line, dir) =>
  lines(await run("fish", ["--no-config", "-c", 'source ./script; complete -C "$argv[1]"', line], dir))
    .map((offer) => offer.split("\t")[0]!)
    // fish also offers what only resembles the word.
    .filter((offer) => offer.startsWith(line.split(" ").at(-1)!));

/** zsh completes only in an editor, so one runs in a pseudo-terminal and prints what is added instead of showing it. */
const askZsh: Ask = async (line, dir) => {
  const driver = `zmodload zsh/zpty
zpty z zsh -f -i
read-until() { local text; while zpty -r z text; do [[ $text == *"$1"* ]] && return; done }
zpty -w z 'PS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -d ./dump; source ./script
compadd() {
  if [[ $@[1,(i)(-|--)] == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi
  local -a offered; builtin compadd -O offered "$@"
  (( $#offered )) && print -rl -- "offer:"$^offered
  builtin compadd "$@"
}
zle -C ask complete-word ask
ask() { _main_complete; print END; exit }
bindkey "^I" ask; bindkey "^J" accept-line; zstyle ":completion:*" verbose no; print REA""DY'
read-until READY
zpty -w -n z "$1"$'\\t'
local text; while zpty -r z text; do print -rn -- "$text"; [[ $text == *END* ]] && break; done
zpty -d z`;
  await Deno.writeTextFile(join(dir, "driver"), driver);
  const output = await run("zsh", ["-f", "./driver", line], dir);
  return [...output.matchAll(/offer:([^\r\n]*)/g)].map((match) => match[1]!);
};

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

const SHELLS: Record<string, Ask> = { bash: askBash, zsh: askZsh, fish: askFish };

const CASES: { says: string; line: string; offers: string[] }[] = [
  { says: "commands", line: "holdfast s", offers: ["schedules", "serve", "servers"] },
  { says: "commands below a command", line: "holdfast schedules ", offers: ["create", "list", "trigger"] },
  {
    says: "commands behind global flags and their values",
    line: "holdfast --data-dir /srv -o json schedules l",
    offers: ["list"],
  },
  { says: "a command's flags", line: "holdfast schedules trigger --w", offers: ["--wait"] },
  { says: "global flags behind a command", line: "holdfast schedules list --o", offers: ["--output"] },
  { says: "no settings where they are not wanted", line: "holdfast schedules list --api", offers: [] },
  { says: "every setting for the daemon", line: "holdfast serve --api", offers: ["--api-listen"] },
  {
    says: "the words a flag takes",
    line: "holdfast schedules create --engine ",
    offers: ["archive", "command"],
  },
  { says: "the words of a global flag", line: "holdfast schedules list -o j", offers: ["json"] },
  { says: "names where an argument is one", line: "holdfast schedules trigger ni", offers: ["nightly"] },
  {
    says: "names of the data directory on the line",
    line: "holdfast --data-dir /srv/two schedules trigger ",
    offers: ["weekly"],
  },
  {
    says: "names where a flag takes one",
    line: "holdfast schedules create --server ",
    offers: ["web-1", "web-2"],
  },
  { says: "nothing where anything goes", line: "holdfast schedules create --name ", offers: [] },
  { says: "nothing more when all is said", line: "holdfast schedules trigger nightly ", offers: [] },
];

for (const [shell, ask] of Object.entries(SHELLS)) {
  Deno.test(`${shell} offers what fits`, async (t) => {
    if (!await isInstalled(shell)) {
      return console.log(
        `skipped: completion in ${shell}: it is not installed: install the package ${shell}`,
      );
    }
    await using place = await prepare(shell);
    for (const { says, line, offers } of CASES) {
      await t.step(says, async () => {
        assert.deepEqual([...new Set(await ask(line, place.dir))].sort(), offers);
      });
    }
    await t.step("the words of a flag with an equals sign", async () => {
      const expected = shell === "fish" ? ["--output=json"] : ["json"];
      assert.deepEqual(await ask("holdfast schedules list --output=j", place.dir), expected);
    });
    await t.step("directories", async () => {
      const offered = [...new Set(await ask("holdfast backups import d", place.dir))];
      assert.deepEqual(offered.map((path) => path.replace(/\/$/, "").replace("\\ ", " ")), ["data set"]);
    });
    await t.step("a file at each place of an argument that repeats", async () => {
      assert.deepEqual([...new Set(await ask("holdfast backups compare x y data.", place.dir))], [
        "data.txt",
      ]);
    });
  });
}

async function isInstalled(shell: string): Promise<boolean> {
  try {
    return (await new Deno.Command(shell, { args: ["-c", "exit"], stdin: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("every command below every command has a place of its own", () => {
  const paths = placesOf(program()).map((place) => place.path);
  assert.deepEqual(paths, [
    "",
    "serve",
    "schedules",
    "schedules list",
    "schedules trigger",
    "schedules create",
    "servers",
    "servers list",
    "backups",
    "backups import",
    "backups compare",
  ]);
});

Deno.test("the script offers the commands of operations and those of this host alike", async () => {
  const lines: string[] = [];
  const code = await main(["completion", "bash"], {
    print: (line) => void lines.push(line),
    note: () => {},
    status: () => {},
    columns: 0,
    interactive: false,
    env: {},
    colors: { bold: String, red: String, dim: String },
  });
  assert.equal(code, 0);
  for (const word of ["serve", "doctor", "schedules", "backups"]) {
    assert.ok(lines.join("\n").includes(word), word);
  }
});
