/** The service of Veeam ONE beside a server that is played. */
import { systemCaller } from "../../src/lib/caller.ts";
import { StateDirectory } from "../../src/lib/state.ts";
import { VeeamOneConfig } from "../../src/veeam-one/config.ts";
import { VeeamOne } from "../../src/veeam-one/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { FakeOne, PASSWORD, USER } from "../support/veeam_one.ts";

export const CALLER = systemCaller("test");

export interface World extends AsyncDisposable {
  clock: FakeClock;
  server: FakeOne;
  one: VeeamOne;
  notes: string[];
  dir: string;
}

/** What a test wants to be otherwise. */
export interface Otherwise {
  username?: string | null;
  password?: string;
  host?: string;
  page_size?: number;
  /** Over the network instead of through the fake's own fetch. */
  network?: true;
}

export async function oneWorld(
  { username = USER, password = PASSWORD, host = "one.example.org", page_size = 100, network }: Otherwise =
    {},
): Promise<World> {
  const clock = new FakeClock("2030-01-14T12:00:00Z");
  const server = new FakeOne(clock);
  const dir = await Deno.makeTempDir({ prefix: "holdfast-one-" });
  const notes: string[] = [];
  const settings = VeeamOneConfig.parse({ servers: { default: { host, username, password } }, page_size });
  const one = new VeeamOne({
    settings,
    clock,
    state: new StateDirectory(dir),
    note: (sentence) => void notes.push(sentence),
    ...(network ? {} : { fetch: server.fetch }),
  });
  return {
    clock,
    server,
    one,
    notes,
    dir,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await Deno.remove(dir, { recursive: true });
    },
  };
}
