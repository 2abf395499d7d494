/**
 * The program against a server that answers as the vendor's own descriptions say, with examples that nobody here made up: every
 * reading command ends by itself, with an answer or a sentence, and asks for nothing that the description does not have.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { mockServerProgram } from "../support/compile_offline.ts";
import { theProgram } from "../support/daemon.ts";
import { freePort } from "../support/ports.ts";
import { until, within } from "../support/wait.ts";

const SPECS = new URL("../../../shared/specs/", import.meta.url);

const COMMANDS = [
  "jobs list",
  "jobs list --status Failed --output csv",
  "jobs get 1",
  "jobs sessions 1",
  "jobs restore-points 1",
  "sessions list --since 3650d",
  "sessions get 11111111-2222-4333-8444-555555555555",
  "sessions follow 11111111-2222-4333-8444-555555555555",
  "tasks failed --since 3650d",
  "repos list",
  "backups list",
  "objects unprotected",
  "proxies list",
  "servers list",
  "license",
  "malware --since 3650d",
  "best-practices",
  "config-backup",
  "tapes list",
  "report",
  "report --output html",
  "doctor",
  "coverage",
  "jobs watch --rounds 1",
];

/** Worked, wrong input (no tapes), not found, upstream refused, bad answer. */
const CODES = [0, 2, 5, 8, 20];

/** A server that plays a description; undefined where there is no program or no description. */
async function play(file: URL): Promise<(AsyncDisposable & { url: string; problems(): string }) | undefined> {
  try {
    await Deno.stat(file);
  } catch {
    console.log(`skipped: ${file.pathname} is absent`);
    return undefined;
  }
  let program: string;
  try {
    program = await mockServerProgram();
  } catch (error) {
    console.log(
      `skipped: commands against a played description: ${error instanceof Error ? error.message : error}`,
    );
    return undefined;
  }
  const port = freePort();
  const child = new Deno.Command(program, {
    args: ["--host", "127.0.0.1", "-p", String(port), "--no-color", file.pathname],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const reading = [child.stdout, child.stderr].map(async (stream) => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) said += part;
  });
  const url = `http://127.0.0.1:${port}`;
  await until("the played server", async () => {
    const answer = await fetch(`${url}/_x-steady/health`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok;
  });
  return {
    url,
    problems: () => said,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await within(120, "the end of the played server", child.status);
      await Promise.all(reading);
    },
  };
}

for (
  const [revision, name] of [["1.3-rev2", "veeam-vbr-1.3-rev2.mock"], ["1.2-rev1", "veeam-vbr-1.2-rev1"]]
) {
  Deno.test(`every reading command ends well against the vendor's description of ${revision}`, async (t) => {
    await using server = await play(new URL(`${name}.json`, SPECS));
    if (server === undefined) return;
    const { command, args } = await theProgram();
    const home = await Deno.makeTempDir({ prefix: "holdfast-veeam-" });
    try {
      for (const words of COMMANDS) {
        await t.step(words, async () => {
          const { code, stderr } = await new Deno.Command(command, {
            args: [...args, "veeam", ...words.split(" ")],
            clearEnv: true,
            cwd: home,
            env: {
              PATH: Deno.env.get("PATH") ?? "",
              DENO_DIR: Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME") ?? "", ".cache/deno"),
              HOME: home,
              VEEAM_HOST: server.url,
              VEEAM_USER: "u",
              VEEAM_PASSWORD: "p",
              VEEAM_REVISION: revision!,
            },
            stdin: "null",
            signal: AbortSignal.timeout(180_000),
          }).output();
          const said = new TextDecoder().decode(stderr);
          assert.ok(CODES.includes(code), `${code}: ${said}`);
          assert.ok(!/Internal error|TypeError|\n\s+at /.test(said), said);
          // What it knows and we asked otherwise it says by a status of 400.
          assert.ok(!/answered 400|did not accept/.test(said), said);
        });
      }
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  });
}
