/** `holdfast demo`: the main job, start to end, in a temporary directory, with the real daemon. */
import { join, resolve } from "node:path";
import { allOperations } from "../../catalogue.ts";
import { loadConfig } from "../../config/mod.ts";
import { EXIT_BAD_ANSWER, HoldfastError } from "../../lib/errors.ts";
import { formatDuration } from "../../lib/duration.ts";
import type { Operation } from "../../lib/operation.ts";
import { formatSize } from "../../lib/size.ts";
import { follow } from "../follow.ts";
import { at } from "../cells.ts";
import type { Terminal } from "../terminal.ts";
import { httpTransport, type Transport } from "../transport.ts";
import { compareTrees } from "./demo/compare.ts";
import type { LocalCommand } from "./command.ts";

export const demoCommand: LocalCommand = {
  word: "demo",
  add(program, start) {
    program.command("demo")
      .description("Back up a real folder, verify it, restore it and compare, all in a temporary directory")
      .option("--source <dir>", "Folder to back up", "src")
      .option("--once", "Stop after the summary instead of going on serving")
      .addHelpText("after", "\nExamples:\n  $ holdfast demo --once\n  $ holdfast demo --source /etc")
      .action((options: { source: string; once?: boolean }) =>
        start(async ({ terminal, signal, options: { settings } }) => {
          const directory = await Deno.makeTempDir({ prefix: "holdfast-demo-" });
          try {
            return await demo({
              terminal,
              signal,
              settings,
              directory,
              source: options.source,
              once: options.once === true,
            });
          } finally {
            await Deno.remove(directory, { recursive: true });
          }
        })
      );
  },
};

interface Demo {
  terminal: Terminal;
  signal: AbortSignal;
  settings: Record<string, string>;
  directory: string;
  source: string;
  once: boolean;
}

async function demo({ terminal, signal, settings, directory, source, once }: Demo): Promise<number> {
  const folder = await sourceFolder(source);
  const loaded = await loadConfig({
    args: {
      "log.level": "warning",
      "log.format": "text",
      "api.listen": freePort(8420),
      ...settings,
      data_dir: join(directory, "state"),
    },
    // The demo must not pick up what this host is configured for.
    env: {},
    cwd: directory,
    systemFile: join(directory, "none.yaml"),
  });
  const { runDaemon } = await import("../../daemon.ts");
  const stop = new AbortController();
  signal.addEventListener("abort", () => stop.abort(), { once: true });
  let exit = EXIT_BAD_ANSWER;
  let failure: unknown;
  await runDaemon(loaded, {
    signal: stop.signal,
    announce: false,
    onReady: async (info) => {
      const transport = httpTransport({
        kind: "socket",
        url: "http://holdfast.local",
        socketPath: info.socket,
        headers: {},
      });
      try {
        exit = await mainJob(transport, folder, directory, terminal, signal);
        if (once || signal.aborted) stop.abort();
        else showNext(terminal, info.url, loaded.config.data_dir, info.setupCode);
      } catch (error) {
        failure = error;
        stop.abort();
      } finally {
        await transport.close();
      }
    },
  });
  if (failure !== undefined) throw failure;
  return exit;
}

async function sourceFolder(source: string): Promise<string> {
  const folder = resolve(source);
  const info = await Deno.stat(folder).catch(() => undefined);
  if (info?.isDirectory) return folder;
  throw new HoldfastError("invalid", `Cannot back up "${folder}": it is no directory`, {
    hint: "name one: holdfast demo --source DIR",
  });
}

/** The usual port when it is free, else any. */
function freePort(wanted: number): string {
  try {
    Deno.listen({ hostname: "127.0.0.1", port: wanted }).close();
    return `127.0.0.1:${wanted}`;
  } catch {
    return "127.0.0.1:0";
  }
}

/** Each step as a user would do it, through the same operations. */
async function mainJob(
  transport: Transport,
  folder: string,
  directory: string,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const operations = new Map((await allOperations()).map((op) => [op.name, op]));
  const op = (name: string): Operation => operations.get(name)!;
  const ask = (name: string, input: Record<string, unknown>) => transport.call(op(name), input, signal);
  const step = (text: string) => terminal.print(terminal.colors.bold(`==> ${text}`));
  const [destination, restored] = [join(directory, "backups"), join(directory, "restored")];

  step("Register this host as a server");
  const server = await ask("servers.create", { name: "demo-host", host: "127.0.0.1" });
  terminal.print(`    server ${at(server, "name")} has id ${at(server, "id")}`);

  step(`Schedule ${folder}, every night at two in Europe/Paris, seven copies kept`);
  const schedule = await ask("schedules.create", {
    server_id: at(server, "id"),
    name: "nightly",
    cron_expression: "0 2 * * *",
    timezone: "Europe/Paris",
    max_backups: 7,
    only_when_running: false,
    engine: "archive",
    engine_options: { sources: [folder], destination },
  });
  terminal.print(`    next run ${at(schedule, "next_run_at")}`);

  step("Run it now");
  const started = performance.now();
  const run = await ask("schedules.trigger", { schedule: String(at(schedule, "id")) });
  const result = await follow(
    transport.stream(op("schedules.follow"), { log: at(run, "run_id") }, signal),
    terminal,
    "table",
  );
  const status = String(at(result, "log.status"));
  if (status !== "success") {
    terminal.print(`    the run ended ${status}: ${String(at(result, "log.error_message"))}`);
    return EXIT_BAD_ANSWER;
  }
  const id = String(at(result, "log.backup_id"));
  const backup = await ask("backups.get", { backup: id });
  terminal.print(
    `    ${at(backup, "item_count")} items, ${formatSize(Number(at(backup, "source_bytes")))} -> ${
      formatSize(Number(at(backup, "size_bytes")))
    } in ${formatDuration((performance.now() - started) / 1000)}`,
  );
  terminal.print(`    ${at(backup, "path")}`);
  terminal.print(`    SHA-256 ${at(backup, "sha256")}`);

  step("Verify it: hash the file again, read every entry");
  const verified = await ask("backups.verify", { backup: id });
  const sound = at(verified, "ok") === true;
  terminal.print(sound ? "    sound" : `    NOT sound: ${JSON.stringify(at(verified, "problems"))}`);

  step(`Restore it beside, into ${restored}`);
  const restore = await ask("backups.restore", { backup: id, to: restored });
  terminal.print(
    `    ${at(restore, "item_count")} items, ${formatSize(Number(at(restore, "restored_bytes")))}`,
  );

  step("Compare with the source, byte for byte");
  const { differences, files, bytes } = await compareTrees(folder, join(restored, folder));
  for (const difference of differences.slice(0, 10)) terminal.print(`    ${difference}`);
  const equal = differences.length === 0 && files > 0;
  const unequal = files === 0 ? "there is no file in it" : `${differences.length} differences`;
  terminal.print(equal ? `    equal: ${files} files, ${formatSize(bytes)}` : `    ${unequal}`);
  terminal.print("");
  const good = sound && equal;
  terminal.print(
    good
      ? `Backed up, verified, restored and compared ${folder}: everything held.`
      : `Something did not hold; see above.`,
  );
  return good ? 0 : EXIT_BAD_ANSWER;
}

function showNext(terminal: Terminal, url: string, dataDir: string, setupCode: string | null): void {
  for (
    const line of [
      "",
      `The daemon goes on serving at ${url} until Ctrl-C; everything is removed then. Try in another terminal:`,
      "",
      `  holdfast --data-dir ${dataDir} schedules list`,
      `  holdfast --data-dir ${dataDir} schedules next nightly --count 3`,
      `  holdfast --data-dir ${dataDir} schedules trigger nightly --wait`,
      `  holdfast --data-dir ${dataDir} backups list`,
      `  curl -s ${url}/api/v1/health`,
      `  open ${url}/docs in a browser`,
      ...(setupCode === null ? [] : ["", `Set-up code for the first administrator: ${setupCode}`]),
    ]
  ) terminal.print(line);
}
