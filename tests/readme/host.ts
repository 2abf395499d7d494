/**
 * The host on which the README happens: a temporary directory that stands for `/`, a shell that stays the same from
 * the first command to the last, and a daemon.
 *
 * - `holdfast` is the program from the sources
 * - paths below `/srv`, `/mnt`, `/var/lib/holdfast` and `/etc` are directories of the test, in commands and in output,
 *   also inside an archive (`srv/data`) and below the directory it is restored to (`/srv/restored/srv/data`)
 * - port 8420 is a free one, port 9419 that of a Veeam server that is played
 * - the person is called root
 * - `holdfast serve` goes on running in the background; what it printed until it answered is its output
 * - `systemctl stop|start|restart holdfast` stops and starts that daemon
 * - `holdfast service` sees the real paths, and `/bin/sh` in place of the installed program; only what prints is run
 */
import { dirname, join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { sourceProgram } from "../support/daemon.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";
import { until, within } from "../support/wait.ts";

/** What a command did. */
export interface Ran {
  output: string[];
  exit: number;
}

const STAND_IN = "/bin/sh";
const INSTALLED = "/usr/local/bin/holdfast";
const PATHS = /(?<![\w/.-])\/(?=(?:srv|mnt|etc|var\/lib\/holdfast)(?:\/|\b))/g;
const END = "\x1e";
const COMMAND_SECONDS = 180;

/** The host. */
export class Host implements AsyncDisposable {
  readonly #root: string;
  readonly #port: number;
  readonly #env: Record<string, string>;
  readonly #shell: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #veeam = playVeeam();
  #unread = "";
  #stuck = false;
  #daemon: { process: Deno.ChildProcess; command: string; reading: Promise<void> } | undefined;

  private constructor(root: string, port: number, env: Record<string, string>) {
    this.#root = root;
    this.#port = port;
    this.#env = env;
    this.#shell = new Deno.Command("bash", {
      args: ["--noprofile", "--norc"],
      env,
      clearEnv: true,
      cwd: join(root, "home"),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#stdin = this.#shell.stdin.getWriter();
    this.#output = this.#shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Makes a host with some files in `/srv/data`. */
  static async start(): Promise<Host> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "holdfast-readme-" }));
    for (const path of ["bin", "home", "tmp", "srv/data/docs", "srv/backups", "var/lib", "etc", "mnt"]) {
      await Deno.mkdir(join(root, path), { recursive: true });
    }
    await Deno.writeTextFile(join(root, "srv/data/docs/notes.txt"), "what matters\n");
    await Deno.writeTextFile(join(root, "srv/data/app.conf"), "listen = 80\n");
    await Deno.symlink("docs/notes.txt", join(root, "srv/data/latest"));
    const { command, args } = sourceProgram();
    await Deno.writeTextFile(join(root, "bin/holdfast"), programText(command, args), { mode: 0o755 });
    const inherited = Deno.env.toObject();
    const port = freePort();
    const coverage = inherited.DENO_COVERAGE_DIR;
    return new Host(root, port, {
      ...(coverage === undefined ? {} : { DENO_COVERAGE_DIR: coverage }),
      DENO_DIR: inherited.DENO_DIR ?? join(inherited.HOME ?? "", ".cache/deno"),
      PATH: `${join(root, "bin")}:${inherited.PATH ?? ""}`,
      HOME: join(root, "home"),
      TMPDIR: join(root, "tmp"),
      SUDO_USER: "root",
      NO_COLOR: "1",
      TZ: "UTC",
      LC_ALL: "C.UTF-8",
      HOLDFAST_DATA_DIR: join(root, "var/lib/holdfast"),
      HOLDFAST_API_LISTEN: `127.0.0.1:${port}`,
    });
  }

  /** Puts a file of the README on the host; the configuration counts from then on. */
  async write(path: string, lines: readonly string[]): Promise<void> {
    const file = join(this.#root, path);
    await Deno.mkdir(dirname(file), { recursive: true });
    // As holdfast config init makes it: a configuration may hold secrets.
    await Deno.writeTextFile(file, lines.map((line) => this.#toHost(line) + "\n").join(""), { mode: 0o640 });
    this.#env.HOLDFAST_CONFIG = file;
    await this.#bash(`export HOLDFAST_CONFIG='${file}'`);
  }

  /** Runs a command of the README. */
  async run(command: string): Promise<Ran> {
    const systemctl = /^systemctl (stop|start|restart) holdfast$/.exec(command)?.[1];
    if (systemctl !== undefined) {
      const last = this.#daemon?.command ?? "holdfast serve";
      if (systemctl !== "start") await this.#stop();
      if (systemctl !== "stop") await this.#serve(last);
      return { output: [], exit: 0 };
    }
    if (/^holdfast (--\S+ \S+ )*serve\b/.test(command)) {
      return { output: await this.#serve(command), exit: 0 };
    }
    const service = command.startsWith("holdfast service ");
    if (service && !/ (unit|--dry-run)\b/.test(command)) {
      throw new Error(`would change this host: ${command}`);
    }
    return await this.#bash(service ? command : this.#toHost(command));
  }

  async #bash(command: string): Promise<Ran> {
    const script = `{ ${command}\n} </dev/null 2>&1; printf '\\n${END}%s${END}\\n' "$?"\n`;
    await this.#stdin.write(new TextEncoder().encode(script));
    const end = new RegExp(`\\n${END}(\\d+)${END}\\n`);
    const read = async () => {
      for (;;) {
        const found = end.exec(this.#unread);
        if (found !== null) return found;
        const { value, done } = await this.#output.read();
        if (done) throw new Error(`the shell ended: ${this.#unread}`);
        this.#unread += value;
      }
    };
    if (this.#stuck) throw new Error("an earlier command did not end");
    const found = await within(COMMAND_SECONDS, `the end of: ${command}`, read()).catch((error) => {
      this.#stuck = true;
      throw error;
    });
    const output = this.#unread.slice(0, found.index);
    this.#unread = this.#unread.slice(found.index + found[0].length);
    return { output: this.#toReadme(output), exit: Number(found[1]) };
  }

  async #serve(command: string): Promise<string[]> {
    const [, ...words] = this.#toHost(command).split(" ");
    const process = new Deno.Command(join(this.#root, "bin/holdfast"), {
      args: words,
      env: this.#env,
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let text = "";
    const reading = (async () => {
      for await (const part of process.stderr.pipeThrough(new TextDecoderStream())) text += part;
    })();
    this.#daemon = { process, command, reading };
    let ended = false;
    void process.status.then(() => ended = true);
    await until("the daemon's answer", () => {
      if (ended) throw new Error(`the daemon ended: ${text}`);
      return text.includes(" answers on ") && text.endsWith("\n");
    });
    return this.#toReadme(text);
  }

  async #stop(): Promise<void> {
    if (this.#daemon === undefined) return;
    const { process, reading } = this.#daemon;
    try {
      process.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await within(COMMAND_SECONDS, "the end of the daemon", process.status);
    await reading;
    this.#daemon = undefined;
  }

  #toHost(text: string): string {
    return text
      .replaceAll("/srv/restored/srv", `/srv/restored${this.#root}/srv`)
      .replaceAll(PATHS, `${this.#root}/`)
      .replaceAll(/(?<=["' ])srv\//g, `${this.#root.slice(1)}/srv/`)
      .replaceAll("127.0.0.1:8420", `127.0.0.1:${this.#port}`)
      .replaceAll("127.0.0.1:9419", `127.0.0.1:${this.#veeam.port}`);
  }

  #toReadme(text: string): string[] {
    const lines = text
      .replaceAll(this.#root, "").replaceAll(`${this.#root.slice(1)}/`, "")
      .replaceAll(`127.0.0.1:${this.#port}`, "127.0.0.1:8420")
      .replaceAll(`127.0.0.1:${this.#veeam.port}`, "127.0.0.1:9419").replaceAll(STAND_IN, INSTALLED)
      .split("\n").map((line) => line.trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    this.#shell.kill("SIGKILL");
    await this.#shell.status;
    await this.#output.cancel();
    await this.#stdin.abort();
    await this.#veeam[Symbol.asyncDispose]();
    await Deno.remove(this.#root, { recursive: true });
  }
}

/** A Veeam server with five jobs, one of which failed. */
function playVeeam(): ReturnType<FakeVeeam["serve"]> {
  const veeam = new FakeVeeam({ clock: systemClock, jobs: 5, sessions: 10 });
  veeam.user = "holdfast";
  veeam.password = "correct horse";
  for (const [i, name] of ["Laptops", "Offsite copy", "File server", "Databases"].entries()) {
    veeam.jobs[i + 1]!.name = name;
  }
  const now = systemClock.now();
  veeam.addSession({
    job: 5,
    created: now - 600_000,
    ended: now - 540_000,
    result: "Failed",
    message: "db-01: no space left",
  });
  return veeam.serve();
}

function programText(command: string, args: readonly string[]): string {
  const start = `exec '${command}' ${args.map((arg) => `'${arg}'`).join(" ")}`;
  return [
    "#!/bin/sh",
    'case "$1 $2" in',
    `"service unit"|"service install") ${start} "$@" --binary ${STAND_IN} ;;`,
    "esac",
    `${start} "$@"`,
    "",
  ].join("\n");
}

/** A free port of four digits, so that lines keep their length. */
function freePort(): number {
  for (let port = 8421; port < 9999; port++) {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("there is no free port of four digits");
}
