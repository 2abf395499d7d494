/** A minute of made-up input: whatever comes, it is read or refused, and what is read keeps its promises. */
import assert from "node:assert/strict";
import { isAbsolute, join, normalize } from "node:path";
import { HoldfastError } from "../../src/lib/errors.ts";
import { readReport } from "../../src/monitor/reports/read.ts";
import { checksumIn } from "../../src/monitor/scan/examine.ts";
import { fillTemplate, matchesName, parseTemplate } from "../../src/monitor/template.ts";
import { checkExpression, nextAfter, ruleOf } from "../../src/schedules/calendar.ts";
import { Random, randomText, spoilBytes, spoilValue } from "./fuzz.ts";
import { checkPing, type PingWorld, pingWorld } from "./ping_fuzz.ts";
import { bytesOf, reportA, reportB, reportDraft } from "./report_samples.ts";

const SECONDS = 60;
/** So many of each kind are made up, also where that takes longer. */
const LEAST = 100;

const SAMPLES = [reportA(), reportB(), reportDraft(), reportA({ failed: ["TRANSFER"], file: null })];
const TEMPLATES = ["{company_name}/{city}/{year}/{database_name}", "**/{db_name}-*.gz", "a/?b*/{day}"];
const EXPRESSIONS = ["0 13 * * *", "*/15 2 * * 1-5", "0 0 L * *", "0 0 15W * *", "0 0 * * 5#2", "@every 5h"];
const START = Date.parse("2026-03-28T00:00:00Z");

/** Refusing is an answer; anything else that is thrown is a fault. */
function refusing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === "invalid") return undefined;
    throw error;
  }
}

const TARGETS: Record<string, (random: Random, pinged: PingWorld) => void | Promise<void>> = {
  "report bytes": (random) => checkReport(spoilBytes(random, bytesOf(random.pick(SAMPLES)))),

  "report values": (random) =>
    checkReport(bytesOf(JSON.stringify(spoilValue(random, random.pick(SAMPLES))) ?? "")),

  "path templates"(random) {
    const spoilt = new TextDecoder().decode(spoilBytes(random, bytesOf(random.pick(TEMPLATES))));
    const template = refusing(() => parseTemplate(spoilt, { wildcards: random.int(2) === 0 }));
    if (template === undefined) return;
    const texts = {
      company_name: randomText(random),
      city: randomText(random, 3),
      database_name: "shop",
      year: "2026",
    };
    const names = refusing(() => fillTemplate(template, texts));
    for (const segment of template.segments) {
      if (segment !== "deep") matchesName(segment, randomText(random, 40));
    }
    if (names === undefined) return;
    const path = join("/root", ...names);
    assert.ok(path.startsWith("/root/") && normalize(path) === path, path);
    assert.equal(path.split("/").length, names.length + 2, path);
    assert.ok(!names.some((name) => isAbsolute(name) || name.includes("\0")));
  },

  "cron expressions"(random) {
    const fields = Array.from(
      { length: 5 },
      () => random.int(4) === 0 ? randomText(random, 4) : random.pick(["*", "1", "*/7", "2-5", "L"]),
    );
    const spoilt = new TextDecoder().decode(spoilBytes(random, bytesOf(random.pick(EXPRESSIONS))));
    const expression = random.int(2) === 0 ? fields.join(" ") : spoilt;
    const checked = refusing(() => checkExpression(expression));
    if (checked === undefined) return;
    const zone = random.pick(["UTC", "Europe/Paris", "Australia/Lord_Howe"]);
    const next = refusing(() => nextAfter(ruleOf(checked, zone, START), START));
    assert.ok(next === undefined || next === null || next > START, `${checked}: ${next}`);
  },

  "checksum files"(random) {
    const sum = checksumIn(
      randomText(random, 30) + (random.int(2) === 0 ? "a".repeat(64) : ""),
      randomText(random, 2),
    );
    assert.ok(sum === "no checksum" || /^[0-9a-f]{64}$/.test(sum), sum);
  },

  "pings": checkPing,
};

function checkReport(bytes: Uint8Array): void {
  const reading = readReport(bytes);
  if (reading.outcome !== "read") {
    assert.ok(reading.refusal.reason !== "");
    assert.ok(reading.refusal.fields.length <= 100);
    return;
  }
  const { report } = reading;
  const isInstant = (text: string | null) => text === null || new Date(text).toISOString() === text;
  assert.ok(report.agent_id !== "");
  assert.ok(isInstant(report.operation_start_at) && isInstant(report.operation_end_at));
  for (const { staged_file_name: file, backup, compress, transfer } of report.databases) {
    if (file !== null) assert.equal(join("/folder", file), `/folder/${file}`);
    for (const phase of [backup, compress, transfer]) {
      assert.equal(typeof phase.ok, "boolean");
      assert.ok(phase.sha256 === null || /^[0-9a-f]{64}$/.test(phase.sha256));
      assert.ok(
        phase.size_bytes === null || (Number.isSafeInteger(phase.size_bytes) && phase.size_bytes >= 0),
      );
      assert.ok(isInstant(phase.started_at) && isInstant(phase.ended_at));
    }
  }
}

Deno.test("a minute of made-up reports, templates, expressions, checksums and pings is taken or refused", async () => {
  await using pinged = await pingWorld(START);
  const first = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const counts = new Map<string, number>();
  const targets = Object.entries(TARGETS);
  const end = performance.now() + SECONDS * 1000;
  let seed = first;
  // A busy machine gets a longer minute.
  const enough = () => counts.size === targets.length && counts.values().every((count) => count > LEAST);
  for (; performance.now() < end || !enough(); seed++) {
    const random = new Random(seed);
    const [name, check] = targets[seed % targets.length]!;
    // What waits for a disk has its turn less often, or there would be few of the others.
    if (name === "pings" && random.int(20) > 0) continue;
    try {
      await check(random, pinged);
    } catch (error) {
      throw new Error(`${name} with seed ${seed} (of 0 to ${2 ** 32 - 1})`, { cause: error });
    }
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const each = [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
  const all = counts.values().reduce((sum, count) => sum + count, 0);
  console.log(`made up ${all} inputs from seed ${first}: ${each}`);
});
