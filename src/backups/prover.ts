/**
 * Restore tests: a backup is restored into a scratch directory for no other reason than to see that it can be, and the
 * evidence is kept whatever it says.
 */
import { join } from "node:path";
import { iso } from "../lib/clock.ts";
import { freeBytes } from "../lib/disk.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { formatSize } from "../lib/size.ts";
import type { StoredArtifact } from "./engine.ts";
import { SPOOL_PREFIX } from "./engines/s3/spool.ts";
import { Secrets } from "./engines/tools/secrets.ts";
import { runTool } from "./engines/tools/run.ts";
import type { IdentityFields } from "./identity.ts";
import { newId } from "./maker.ts";
import { type Backup, counted } from "./model.ts";
import { log, type Parts, stored, workContext } from "./parts.ts";
import type { BackupProof, ProofCheck, ProveRules } from "./proof.ts";
import { compareRestored } from "./proof_compare.ts";
import { insertProof } from "./proof_queries.ts";
import type { BackupsTables } from "./queries.ts";
import { verifyBackup } from "./verifier.ts";

/** Scratch directories of restore tests; what a crash left is removed at start. */
const PREFIX = "proof-";

/** Longest time the command of a schedule may judge, in milliseconds. */
const COMMAND_LIMIT_MS = 3_600_000;

/** How a backup is proved. */
export type ProveHow = Pick<ProveRules, "command" | "command_role"> & IdentityFields;

/** Proves a backup and keeps the evidence. Rejects only when the caller goes away or the evidence cannot be kept. */
export async function proveBackup(
  parts: Parts,
  backup: Backup,
  { command, command_role, ...identity }: ProveHow,
  caller: Caller,
): Promise<BackupProof> {
  const started = parts.clock.now();
  const id = newId();
  const scratch = join(parts.settings.scratch_dir, PREFIX + id);
  const attempt = new Attempt(parts, backup, scratch, caller, identity);
  try {
    await attempt.run({ command, command_role });
  } finally {
    await Deno.remove(scratch, { recursive: true }).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return;
      log.warning("Cannot remove {scratch}: {why}", { scratch, why: messageOf(error) });
    });
  }
  const proof: BackupProof = {
    id,
    backup_id: backup.id,
    backup_name: backup.name,
    engine: backup.engine,
    schedule_id: backup.schedule_id,
    server_id: backup.server_id,
    ok: attempt.checks.every(({ ok }) => ok),
    started_at: iso(started),
    ended_at: iso(Math.max(started, parts.clock.now())),
    restore_seconds: attempt.restoreMs === null ? null : attempt.restoreMs / 1000,
    item_count: attempt.items,
    restored_bytes: attempt.bytes,
    checks: attempt.checks,
    requested_by: caller.name,
  };
  await parts.database.change(caller, async (change) => {
    await insertProof(change.tables<BackupsTables>(), proof);
    const outcome = proof.ok ? "ok" : "failed";
    change.audit({
      target: `backups/${backup.id}`,
      after: { proof: proof.id, checks: proof.checks },
      outcome,
    });
  });
  return proof;
}

/** Removes what restore tests and uploads left behind that were cut short. Returns the paths. */
export async function sweepScratch(parts: Parts): Promise<string[]> {
  const swept: string[] = [];
  try {
    for await (const { name } of Deno.readDir(parts.settings.scratch_dir)) {
      if (!name.startsWith(PREFIX) && !name.startsWith(SPOOL_PREFIX)) continue;
      const path = join(parts.settings.scratch_dir, name);
      await Deno.remove(path, { recursive: true });
      swept.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return swept;
}

/** What a check found. */
type Found = Omit<ProofCheck, "name">;

/** One test on its way; ends with the first check that fails. */
class Attempt {
  readonly checks: ProofCheck[] = [];
  restoreMs: number | null = null;
  items: number | null = null;
  bytes: number | null = null;
  readonly #parts: Parts;
  readonly #backup: Backup;
  readonly #scratch: string;
  readonly #caller: Caller;
  readonly #identity: IdentityFields;

  constructor(parts: Parts, backup: Backup, scratch: string, caller: Caller, identity: IdentityFields) {
    [this.#parts, this.#backup, this.#scratch] = [parts, backup, scratch];
    [this.#caller, this.#identity] = [caller, identity];
  }

  async run(command: Pick<ProveRules, "command" | "command_role">): Promise<void> {
    const steps: [ProofCheck["name"], () => Promise<Found>][] = [
      ["verify", () => this.#verify()],
      ["restore", () => this.#restore()],
      ["compare", () => this.#compare()],
    ];
    const { command: text, command_role } = command;
    if (text !== null) steps.push(["command", () => this.#judge(text, command_role)]);
    for (const [name, step] of steps) {
      const check = await step().catch((error) => {
        this.#caller.signal.throwIfAborted();
        // Whatever kept it from being restored is the evidence: a full disk as well as a mistake of the program.
        if (!(error instanceof HoldfastError)) log.error("The restore test failed: {error}", { error });
        return { ok: false, detail: messageOf(error) };
      });
      this.checks.push({ name, ...check });
      if (!check.ok) return;
    }
  }

  async #verify(): Promise<Found> {
    const found = await verifyBackup(this.#parts, this.#backup, this.#caller, this.#identity);
    const what = `${found.item_count ?? 0} items, ${formatSize(found.size_bytes ?? 0)}`;
    return { ok: found.ok, detail: found.ok ? what : found.problems.join("; ") };
  }

  async #restore(): Promise<Found> {
    await this.#makeScratch();
    const before = performance.now();
    const restored = await this.#engine.restore(await this.#stored(), {
      target: this.#scratch,
      patterns: [],
      force: false,
      owners: false,
      // Nothing is written through links, and all of it goes away again.
      outside_links: true,
    }, this.#context);
    this.restoreMs = Math.round(performance.now() - before);
    this.items = restored.item_count;
    this.bytes = restored.restored_bytes;
    const problems = [...restored.warnings];
    const { item_count } = this.#backup;
    if (item_count !== null && item_count !== restored.item_count) {
      problems.push(`${counted(restored.item_count, "item")} came back, recorded are ${item_count}`);
    }
    const what = `${counted(restored.item_count, "item")}, ${formatSize(restored.restored_bytes)}`;
    return { ok: problems.length === 0, detail: problems.length === 0 ? what : problems.join("; ") };
  }

  async #makeScratch(): Promise<void> {
    await Deno.mkdir(this.#scratch, { recursive: true, mode: 0o700 });
    const needed = this.#backup.source_bytes ?? this.#backup.size_bytes ?? 0;
    const free = await freeBytes(this.#scratch);
    if (free >= needed) return;
    throw new HoldfastError(
      "exhausted",
      `Cannot restore for a test: ${
        formatSize(needed)
      } are needed in "${this.#parts.settings.scratch_dir}", ${formatSize(free)} are free`,
      { hint: "set backups.scratch_dir to a directory with more room" },
    );
  }

  async #compare(): Promise<Found> {
    const entries = this.#engine.list(await this.#stored(), this.#context);
    return await compareRestored(entries, this.#scratch, this.#caller.signal);
  }

  async #judge(command: string, role: Caller["role"]): Promise<Found> {
    if (!this.#parts.settings.allow_commands || role !== "admin") {
      return { ok: false, detail: "its command may not run: see backups.allow_commands" };
    }
    const { id, name, path, schedule_id } = this.#backup;
    const context = this.#context;
    const { code, last } = await runTool({
      name: "prove_command",
      program: "/bin/sh",
      args: ["-c", command],
      cwd: this.#scratch,
      env: {
        HOLDFAST_BACKUP_ID: id,
        HOLDFAST_BACKUP_NAME: name,
        HOLDFAST_BACKUP_PATH: path,
        HOLDFAST_RESTORED: this.#scratch,
        ...(schedule_id === null ? {} : { HOLDFAST_SCHEDULE_ID: schedule_id }),
      },
      timeoutMs: COMMAND_LIMIT_MS,
    }, { context, secrets: new Secrets(context) });
    const said = last.at(-1);
    return { ok: code === 0, detail: `ended with ${code}${said === undefined ? "" : `: ${said}`}` };
  }

  get #engine() {
    return this.#parts.engines.get(this.#backup.engine);
  }

  get #context() {
    return workContext(this.#parts, this.#caller);
  }

  #stored(): Promise<StoredArtifact> {
    return stored(this.#parts, this.#backup, this.#identity);
  }
}
