import { systemClock } from "../../src/lib/clock.ts";
import { FakeOne, PASSWORD, USER } from "../support/veeam_one.ts";
import { testRows } from "./matrix.ts";
import { veeamOneRows } from "./rows/veeam_one.ts";

const server = new FakeOne(systemClock).serve();
// The test ends with the file; so does what it asks.
globalThis.addEventListener("unload", () => void server[Symbol.asyncDispose]());

testRows("Veeam ONE", veeamOneRows, {
  VEEAM_ONE_HOST: server.url,
  VEEAM_ONE_USER: USER,
  VEEAM_ONE_PASSWORD: PASSWORD,
});
