/** Finishing at start what a process before could not: removals, partial files, artifacts without a row. */
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { importDirectory } from "./importer.ts";
import type { Maker } from "./maker.ts";
import { log, type Parts, system, tables, workContext } from "./parts.ts";
import { deleteMake, halfDeleted, listMakes, type Make } from "./queries.ts";
import { finishRemoval } from "./remover.ts";
import { sweep } from "./sweep.ts";

/** What was settled. */
export interface Settled {
  /** Ids of backups whose removal was finished. */
  removed: string[];
  /** Ids of backups whose artifact was whole, and which only lacked their row. */
  recovered: string[];
  /** Partial files that were removed. */
  swept: string[];
}

/** Settles everything. What cannot be settled now (a disk that is not mounted) is logged and tried at the next start. */
export async function settleAll(parts: Parts, maker: Maker): Promise<Settled> {
  const removed: string[] = [];
  for (const backup of await halfDeleted(tables(parts))) {
    try {
      await finishRemoval(parts, backup, system("backups.delete"));
      removed.push(backup.id);
    } catch (error) {
      log.warning("Cannot finish removing {name}: {why}", { name: backup.name, why: messageOf(error) });
    }
  }
  return { removed, ...await settleMakes(parts, maker, () => true) };
}

/** Settles makes that no process works on any more. */
export async function settleMakes(
  parts: Parts,
  maker: Maker,
  wanted: (make: Make) => boolean,
): Promise<Omit<Settled, "removed">> {
  const settled: Omit<Settled, "removed"> = { recovered: [], swept: [] };
  const context = workContext(parts, { signal: new AbortController().signal });
  for (const make of await listMakes(tables(parts))) {
    if (maker.isActive(make.id) || !wanted(make)) continue;
    try {
      settled.recovered.push(...await recover(parts, make));
      settled.swept.push(...await sweep(parts.engines.get(make.engine), make, context));
      await deleteMake(tables(parts), make.id);
    } catch (error) {
      log.warning("Cannot clean up after {name}: {why}", { name: make.name, why: messageOf(error) });
    }
  }
  return settled;
}

/** An artifact that got its name and its manifest is a backup, even when the process ended before its row was written. */
async function recover(parts: Parts, make: Make): Promise<string[]> {
  const ids: string[] = [];
  for (const directory of make.directories) {
    try {
      const found = await importDirectory(
        parts,
        directory,
        system("backups.import"),
        { wanted: (facts) => facts.labels.backup_id === make.id, engine: make.engine, options: make.options },
      );
      ids.push(...found.imported.map((backup) => backup.id));
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind !== "not_found") throw error;
    }
  }
  return ids;
}
