/**
 * Tapes, which no revision of the REST API knows: read from a file that the vendor's own cmdlets write.
 *
 * The file holds `{libraries, drives, media}` as the script here writes them, or one list of libraries alone, in any letter case.
 */
import { z } from "zod";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import type { Caller } from "../lib/operation.ts";
import { flag, number, type Raw, rawOf, rowsOf, text } from "./decode.ts";

export const VeeamTape = z.object({
  /** The last two as Veeam ONE tells them. */
  kind: z.enum(["library", "drive", "medium", "server", "job"]),
  name: z.string(),
  type: z.string().nullable(),
  status: z.string().nullable(),
  library: z.string().nullable(),
  barcode: z.string().nullable(),
  capacity_bytes: z.number().nullable(),
  free_bytes: z.number().nullable(),
  is_expired: z.boolean().nullable(),
  read_at: z.string(),
}).meta({ id: "VeeamTape" });
export type VeeamTape = z.output<typeof VeeamTape>;

/** Run on the backup server, or on a machine with its console. */
export const EXPORT_SCRIPT =
  `# Writes tape libraries, drives and media for Holdfast (setting veeam.tape_export).
# Run it on the backup server in Veeam's PowerShell, for example each hour as a scheduled task.
param([string]$Path = "veeam-tapes.json")
$libraries = @(Get-VBRTapeLibrary)
$names = @{}; foreach ($l in $libraries) { $names["$($l.Id)"] = $l.Name }
$export = [ordered]@{
  exported_at = (Get-Date).ToUniversalTime().ToString("o")
  libraries = @($libraries | ForEach-Object {
    [ordered]@{ name = $_.Name; type = "$($_.Type)"; model = $_.Model; state = "$($_.State)" } })
  drives = @(Get-VBRTapeDrive | ForEach-Object {
    [ordered]@{ name = $_.Name; model = $_.Model; state = "$($_.State)"; enabled = $_.Enabled
                library = $names["$($_.LibraryId)"] } })
  media = @(Get-VBRTapeMedium | ForEach-Object {
    [ordered]@{ name = $_.Name; barcode = $_.Barcode; capacity = $_.Capacity; free = $_.Free
                library = $names["$($_.LibraryId)"]; location = "$($_.Location)"; expired = $_.IsExpired } })
}
$export | ConvertTo-Json -Depth 5 | Set-Content -Encoding utf8 "$Path.partial"
Move-Item -Force "$Path.partial" $Path
`;

/** The rows in an exported file. Errors: `not_found`, `invalid` for a file that is none. */
export async function readTapes(path: string): Promise<VeeamTape[]> {
  let content: string;
  let changed: Date | null;
  try {
    content = await Deno.readTextFile(path);
    changed = (await Deno.stat(path)).mtime;
  } catch (error) {
    const kind = error instanceof Deno.errors.NotFound ? "not_found" : "invalid";
    throw new HoldfastError(kind, `Cannot read the tape export "${path}": ${messageOf(error)}`, {
      hint: "holdfast veeam tapes script prints the script that writes it",
      cause: error,
    });
  }
  try {
    // PowerShell writes a byte order mark.
    return tapesOf(JSON.parse(content.replace(/^\uFEFF/, "")), (changed ?? new Date(0)).toISOString());
  } catch (error) {
    throw new HoldfastError("invalid", `Cannot read the tape export "${path}": it is no JSON`, {
      cause: error,
    });
  }
}

/** Rows of what cmdlets wrote. */
export function tapesOf(value: unknown, readAt: string): VeeamTape[] {
  const root = lower(rawOf(value));
  const at = text(root, "exported_at") ?? readAt;
  const lists = Array.isArray(value) ? { libraries: value } : root;
  const rows = (key: string) => {
    const list = rawOf(lists)[key];
    // A list of one is written as that one.
    return rowsOf(Array.isArray(list) ? list : list === undefined || list === null ? [] : [list]).map(lower);
  };
  const row = (kind: VeeamTape["kind"], raw: Raw): VeeamTape => ({
    kind,
    name: text(raw, "name", "barcode") ?? "",
    type: text(raw, "type", "model"),
    status: text(raw, "state", "location"),
    library: text(raw, "library", "libraryname") ?? text(raw, "libraryid"),
    barcode: text(raw, "barcode"),
    capacity_bytes: number(raw, "capacity"),
    free_bytes: number(raw, "free"),
    is_expired: flag(raw, "expired") ?? flag(raw, "isexpired"),
    read_at: at,
  });
  return [
    ...rows("libraries").map((raw) => row("library", raw)),
    ...rows("drives").map((raw) => row("drive", raw)),
    ...rows("media").map((raw) => row("medium", raw)),
  ];
}

function lower(raw: Raw): Raw {
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key.toLowerCase(), value]));
}

/** A tape server or tape job as Veeam ONE tells it. */
export interface OneTape {
  kind: "server" | "job";
  name: string;
  type: string | null;
  status: string | null;
}

/** What Veeam ONE knows of tapes now; null where none is configured. */
export type AskOne = (caller: Caller) => Promise<readonly OneTape[] | null>;

/** Rows of what Veeam ONE told at an instant. */
export function tapesOfOne(rows: readonly OneTape[], readAt: string): VeeamTape[] {
  return rows.map(({ kind, name, type, status }) => ({
    kind,
    name,
    type,
    status,
    library: null,
    barcode: null,
    capacity_bytes: null,
    free_bytes: null,
    is_expired: null,
    read_at: readAt,
  }));
}

/** What there is to say where no file is named and no Veeam ONE is configured. */
export function noTapes(): HoldfastError {
  return new HoldfastError(
    "invalid",
    "Cannot list tapes: no revision of Veeam's REST API tells of tape libraries, drives or media",
    {
      code: "veeam_tapes",
      hint:
        "holdfast veeam tapes script prints a script that exports them; name its file in veeam.tape_export. " +
        "Tape servers and tape jobs come from Veeam ONE, where VEEAM_ONE_HOST names one",
    },
  );
}
