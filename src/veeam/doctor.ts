/** What stands between Holdfast and a Veeam server: address, certificate, revision, login, rights, clock, licence. */
import { z } from "zod";
import { HoldfastError } from "../lib/errors.ts";
import { formatDuration } from "../lib/duration.ts";
import { hiddenKinds } from "./coverage.ts";
import { isPartial, THE_REST } from "./errors.ts";
import { compareRevisions, revisionOfBuild } from "./revisions.ts";
import { licenseProblems } from "./report.ts";
import type { Choice } from "./clients.ts";
import type { Veeam } from "./veeam.ts";

export const DoctorLine = z.object({
  server: z.string(),
  check: z.string(),
  status: z.enum(["ok", "warning", "bad"]),
  detail: z.string(),
  hint: z.string().nullable(),
}).meta({ id: "VeeamDoctorLine" });
export type DoctorLine = z.output<typeof DoctorLine>;

/** Clocks further apart than this make times of sessions hard to compare. */
const SKEW_SECONDS = 60;
const CERTIFICATE_DAYS = 14;

/** Every check on each chosen server; what a failed one makes impossible is left out. */
export async function examine(veeam: Veeam, choice: Choice, signal: AbortSignal): Promise<DoctorLine[]> {
  const names = veeam.clients.choose(choice.server === undefined ? { all: true } : choice);
  return (await Promise.all(names.map((name) => examineOne(veeam, name, signal)))).flat();
}

async function examineOne(veeam: Veeam, server: string, signal: AbortSignal): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  const say = (check: string, status: DoctorLine["status"], detail: string, hint: string | null = null) =>
    lines.push({ server, check, status, detail, hint });
  /** Runs a check; an error is its line. True when the next ones make sense. */
  const check = async (name: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      say(name, isPartial(error) ? "warning" : "bad", error.message, error.hint ?? null);
      return false;
    }
  };

  const made = await check("settings", () => {
    const { address } = veeam.clients.of(server).connection;
    if (address.tls) return Promise.resolve();
    say("settings", "warning", `${address.url} is plain http, which only tests on this host should use`);
    return Promise.resolve();
  });
  if (!made) return lines;
  const client = veeam.clients.of(server);
  const { connection } = client;
  const now = () => veeam.clock.now();

  const reached = await check("certificate", async () => {
    const shown = await connection.certificate(signal);
    if (shown === null) return;
    const same = shown.pinned === null || shown.pinned === shown.fingerprint;
    const trust = shown.pinned !== null ? "pinned" : shown.ca ? "judged by ca_file" : "not seen before";
    say(
      "certificate",
      same ? "ok" : "bad",
      same
        ? `SHA-256 ${shown.fingerprint}, ${trust}`
        : `it changed; pinned is SHA-256 ${shown.pinned}, it shows ${shown.fingerprint}`,
      same ? null : `when the change is meant: holdfast veeam trust --server ${server} ${shown.fingerprint}`,
    );
    if (shown.valid_until === null) return;
    const days = Math.floor((Date.parse(shown.valid_until) - now()) / 86_400_000);
    if (days < CERTIFICATE_DAYS) {
      say(
        "certificate",
        "warning",
        days < 0 ? `it ended on ${shown.valid_until}` : `it ends in ${days} days`,
      );
    }
  });
  if (!reached) return lines;

  let skew: number | null = null;
  const spoken = await check("revision", async () => {
    const revision = await connection.open(signal);
    const before = now();
    const theirs = await client.serverTime(signal);
    skew = theirs === null ? null : Math.round((theirs - (before + now()) / 2) / 1000);
    const { hostname, port } = connection.address;
    say("port", "ok", `${hostname}:${port} answers`);
    const hidden = hiddenKinds(revision);
    say("revision", hidden === null ? "ok" : "warning", `${revision}${hidden === null ? "" : `. ${hidden}`}`);
  });
  if (!spoken) return lines;
  if (skew !== null) {
    const far = Math.abs(skew) > SKEW_SECONDS;
    const detail = skew === 0
      ? "the same"
      : `its clock is ${formatDuration(Math.abs(skew))} ${skew > 0 ? "ahead" : "behind"}`;
    say("clock", far ? "warning" : "ok", detail, far ? "set both clocks by the same time server" : null);
  }

  const loggedIn = await check("login", async () => {
    const jobs = await client.jobs(signal);
    say("login", "ok", `"${connection.username}" reads ${jobs.length} jobs`);
  });
  if (!loggedIn) return lines;
  await check("build", async () => {
    const { build, name } = await client.serverInfo(signal);
    const newest = build === null ? null : revisionOfBuild(build);
    const older = newest !== null && compareRevisions(connection.revision!, newest) < 0;
    say(
      "build",
      older ? "warning" : "ok",
      `${name ?? "it"} runs ${build ?? "an unknown build"}${older ? `, which speaks ${newest} too` : ""}`,
      older ? `to use it: holdfast veeam trust --server ${server} --forget-revision` : null,
    );
  });
  await check("rights", async () => {
    const rows = await veeam.coverageOf(server, signal);
    const hidden = rows.filter(({ area, visible }) => area === "role" && !visible);
    const reasons = [...new Set(hidden.flatMap(({ reason }) => reason ?? []))];
    if (hidden.length === 0) say("rights", "ok", "everything that is asked for can be read");
    else {
      say(
        "rights",
        "warning",
        `cannot see: ${hidden.map(({ what }) => what).join(", ")}`,
        `${reasons.map((reason) => reason.replace(THE_REST, "")).join(", ")}${THE_REST}`,
      );
    }
  });
  await check("licence", async () => {
    const license = await client.license(signal);
    const [problem] = licenseProblems(license);
    const until = license.expires_at === null ? "" : ` until ${license.expires_at.slice(0, 10)}`;
    const about = `${license.edition ?? "licence"} ${license.status?.toLowerCase() ?? ""}${until}`;
    say("licence", problem?.severity ?? "ok", problem === undefined ? about : `${about}: ${problem.text}`);
  });
  return lines;
}
