/** How policies look on the command line: durations as `12h`, and `none` for what shall not be. */
import { parseTypedDuration } from "../lib/duration.ts";
import { coerceText } from "../lib/fields.ts";
import type { FlagSpec } from "../lib/operation.ts";
import { parseSize } from "../lib/size.ts";

const duration = (flag: string): FlagSpec => ({
  flag: `${flag} <duration>`,
  parse: (text) => text === "none" ? null : parseTypedDuration(text),
});

const optional = (flag: string): FlagSpec => ({ flag, parse: (text) => text === "none" ? null : text });

const optionalNumber = (flag: string): FlagSpec => ({
  flag,
  parse: (text) => text === "none" ? null : coerceText("number", text.replace(/%$/, "")),
});

/** Flags by field. */
export const policyFlags: Record<string, FlagSpec> = {
  catch_up: { flag: "--catch-up <which>" },
  catch_up_window_seconds: duration("--catch-up-window"),
  overlap: { flag: "--overlap <how>" },
  locks: { flag: "--lock <name>..." },
  concurrency_group: optional("--concurrency-group <name>"),
  retries: { flag: "--retries <n>" },
  retry_delay_seconds: duration("--retry-delay"),
  retry_factor: { flag: "--retry-factor <n>" },
  retry_max_delay_seconds: duration("--retry-max-delay"),
  timeout_seconds: duration("--timeout"),
  start_deadline_seconds: duration("--start-deadline"),
  jitter_seconds: duration("--jitter"),
  allowed_windows: { flag: "--allowed-window <window>..." },
  blackout_windows: { flag: "--blackout-window <window>..." },
  paused_until: optional("--paused-until <moment>"),
  run_after: optional("--run-after <schedule>"),
  dst: { flag: "--dst <rule>" },
  hook_before: optional("--hook-before <command>"),
  hook_after: optional("--hook-after <command>"),
  hook_on_failure: optional("--hook-on-failure <command>"),
  hook_timeout_seconds: duration("--hook-timeout"),
  nice: optionalNumber("--nice <n>"),
  memory_max_bytes: {
    flag: "--memory-max <size>",
    parse: (text) => text === "none" ? null : parseSize(text),
  },
  cpu_max_percent: optionalNumber("--cpu-max <percent>"),
  keep_last: optionalNumber("--keep-last <n>"),
  keep_hourly: optionalNumber("--keep-hourly <n>"),
  keep_daily: optionalNumber("--keep-daily <n>"),
  keep_weekly: optionalNumber("--keep-weekly <n>"),
  keep_monthly: optionalNumber("--keep-monthly <n>"),
  keep_yearly: optionalNumber("--keep-yearly <n>"),
  keep_within_seconds: duration("--keep-within"),
  max_total_bytes: {
    flag: "--max-total <size>",
    parse: (text) => text === "none" ? null : parseSize(text),
  },
  prove_every_runs: optionalNumber("--prove-every-runs <n>"),
  prove_every_seconds: duration("--prove-every"),
  prove_command: optional("--prove-command <command>"),
};
