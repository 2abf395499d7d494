/** Made-up pings: any bytes, signals and run ids, through the whole way from the request to the judgement. */
import assert from "node:assert/strict";
import { MAX_BODY } from "../../src/monitor/pings.ts";
import { type TestApp, testApp } from "../support/app.ts";
import { FakeClock } from "../support/clock.ts";
import { type Random, randomText, spoilBytes } from "./fuzz.ts";
import { bytesOf } from "./report_samples.ts";

/** A job that pings, and where to. */
export interface PingWorld extends TestApp {
  clock: FakeClock;
  path: string;
  job_id: number;
}

export async function pingWorld(start: number): Promise<PingWorld> {
  const clock = new FakeClock(start);
  const world = await testApp({}, clock);
  const { id, ping_id } = await world.local("POST", "/api/v1/jobs", {
    database_name: "mail",
    way: "ping",
    backup_frequency: "hourly",
    max_run_seconds: 60,
  });
  return Object.assign(world, { clock, path: `/api/v1/ping/${ping_id}`, job_id: id });
}

const SIGNALS = ["", "start", "success", "fail", "log", "0", "1", "255"];
/** More of a body is not read. */
const READ_BYTES = 64 * 1024;

/**
 * Sends a ping: it is refused for its signal or run id alone, and one that is taken is judged, with its body as it was, but for
 * NULs, which no database takes.
 */
export async function checkPing(random: Random, world: PingWorld): Promise<void> {
  // A job may ping 60 times a minute.
  world.clock.advance(1000);
  const bytes = randomBody(random);
  const signal = random.pick([...SIGNALS, ...SIGNALS, String(random.int(300)), randomText(random, 4)]);
  const rid = random.int(3) === 0 ? randomText(random) : undefined;
  const query = rid === undefined ? "" : `?${new URLSearchParams({ rid })}`;
  const part = signal === "" ? "" : `/${encodeURIComponent(signal.toWellFormed())}`;
  const answer = await world.request("POST", `${world.path}${part}${query}`, { body: bytes });
  const said = await answer.text();
  const { pings } = world.app.services.monitor;
  await pings.idle();
  // What failed behind the answer fails here again.
  await pings.judge();
  const isCode = /^\d{1,3}$/.test(signal) && Number(signal) <= 255;
  const isGood = (isCode || SIGNALS.includes(signal)) &&
    (rid === undefined || (rid !== "" && rid.length <= 100));
  if (answer.status !== 200) {
    return assert.ok(!isGood && [400, 404].includes(answer.status), `${answer.status}: ${said}`);
  }
  const [last] = await world.app.services.monitor.pingsOf(world.job_id, { skip: 0, limit: 1 });
  assert.equal(last?.judged, 1);
  // A character that does not end is left out.
  const text = new TextDecoder().decode(bytes.subarray(0, READ_BYTES), { stream: true });
  assert.equal(last.cut, text.length > MAX_BODY ? 1 : 0);
  assert.equal(last.body ?? "", text.slice(0, MAX_BODY).toWellFormed().replaceAll("\0", "\uFFFD"));
}

/** Mostly a few bytes, sometimes about as many as are kept or read. */
function randomBody(random: Random): Uint8Array<ArrayBuffer> {
  const spoilt = spoilBytes(random, bytesOf(randomText(random, 40)));
  const length = random.pick([0, 0, 0, MAX_BODY, READ_BYTES]);
  if (length === 0) return spoilt;
  const filled = new Uint8Array(length - 3 + random.int(7)).fill(random.pick([0x61, 0x0a, 0x00, 0xf0]));
  const piece = spoilt.subarray(0, filled.length);
  filled.set(piece, random.int(filled.length - piece.length + 1));
  return filled;
}
