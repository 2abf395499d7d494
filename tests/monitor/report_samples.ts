/** Reports in all three formats. */

export const RAW_HASH = "a".repeat(64);
export const FILE_HASH = "b".repeat(64);

/** What a sample says of its one database. */
export interface SampleOptions {
  agent?: string;
  database?: string;
  file?: string | null;
  sha256?: string;
  size?: number;
  /** End of the operation. */
  end?: string;
  /** Phases that failed. */
  failed?: readonly string[];
}

interface Filled extends Required<SampleOptions> {
  ok(phase: string): boolean;
}

function fill(options: SampleOptions): Filled {
  const { failed = [] } = options;
  return {
    agent: "ACME_PARIS_NORTH",
    database: "shop",
    file: "shop.sql.zst",
    sha256: FILE_HASH,
    size: 1000,
    end: "2026-03-02T13:04:00Z",
    ...options,
    failed,
    ok: (phase) => !failed.includes(phase),
  };
}

/** The specification. */
export function reportA(options: SampleOptions = {}): Record<string, unknown> {
  const { agent, database, file, sha256, size, end, ok } = fill(options);
  const times = { start_time: end, end_time: end };
  return {
    operation_start_time: end,
    operation_end_time: end,
    agent_id: agent,
    overall_status: "completed",
    databases: {
      [database]: {
        BACKUP: { status: ok("BACKUP"), ...times, sha256_checksum: RAW_HASH, size: 5000 },
        COMPRESS: { status: ok("COMPRESS"), ...times, sha256_checksum: sha256, size },
        TRANSFER: { status: ok("TRANSFER"), ...times, error_message: null },
        staged_file_name: file,
        logs_summary: "all is well",
      },
    },
  };
}

/** Agents as they are. */
export function reportB(options: SampleOptions = {}): Record<string, unknown> {
  const { agent, database, file, sha256, size, end, ok } = fill(options);
  const time = end.replace("T", " ").replace(/Z$/, ".123456");
  const times = { start_time: time, end_time: time };
  const word = (phase: string) => ok(phase) ? "True" : "False";
  return {
    operation_start_time: time,
    operation_end_time: time,
    agent_id: agent,
    databases: {
      [database]: {
        BACKUP: { status: word("BACKUP"), ...times, sha256: RAW_HASH, size: "5000" },
        COMPRESS: { status: word("COMPRESS"), ...times, sha256, size: String(size) },
        TRANSFER: { status: word("TRANSFER"), ...times, error_message: "null" },
        staged_file_name: file === null ? null : `/var/backups/out/${file}`,
      },
    },
  };
}

/** The older draft. */
export function reportDraft(options: SampleOptions = {}): Record<string, unknown> {
  const { agent, database, file, sha256, size, end, ok } = fill(options);
  return {
    operation_timestamp: end,
    agent_id: agent,
    overall_status: "completed",
    databases: {
      [database]: {
        backup_process: {
          status: ok("BACKUP"),
          timestamp: end,
          sha256_checksum: RAW_HASH,
          size_bytes: 5000,
        },
        compress_process: {
          status: ok("COMPRESS"),
          timestamp: end,
          sha256_checksum: sha256,
          size_bytes: size,
        },
        transfer_process: { status: ok("TRANSFER"), timestamp: end },
        staged_file_name: file,
      },
    },
  };
}

/** A value as the bytes of a file. */
export function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}
