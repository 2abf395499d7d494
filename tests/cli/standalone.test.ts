/** Commands that need nothing but their upstream: when they run in this process, with what, and that they close. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import type { Slice, StandaloneContext } from "../../src/catalogue.ts";
import { isGiven, standaloneOf, standaloneTransport } from "../../src/cli/standalone.ts";
import { type Layer, loadConfig } from "../../src/config/mod.ts";
import { operation } from "../../src/lib/operation.ts";
import { fakeTerminal } from "./terminal.ts";

/** The service of a slice that asks one upstream and remembers what it saw. */
class Tides {
  readonly #pins;
  readonly #note;
  closed = 0;

  constructor({ state, note }: StandaloneContext) {
    this.#pins = state.file("tides", z.object({ pin: z.string().nullable().default(null) }));
    this.#note = note;
  }

  async level(port: string): Promise<{ port: string; pin: string | null }> {
    const { pin } = this.#pins.read();
    if (pin === null) {
      this.#note("Trusting aa:bb from now on");
      await this.#pins.update(() => ({ pin: "aa:bb" }));
    }
    return { port, pin };
  }
}

const level = operation({
  name: "tides.level",
  route: "GET /api/v1/tides/{port}",
  role: "operator",
  summary: "Show how high the water is",
  input: z.strictObject({ port: z.string() }),
  output: z.object({ port: z.string(), pin: z.string().nullable() }),
  standalone: true,
  run: (app: { tides: Tides }, { port }) => app.tides.level(port),
});

/** A slice and the services it opened. */
function tidesSlice(): { slice: Slice; opened: Tides[] } {
  const opened: Tides[] = [];
  return {
    opened,
    slice: {
      name: "tides",
      words: { tides: "Tides" },
      operations: () => Promise.resolve([level]),
      standalone: {
        connection: ["tides.harbours.*.host"],
        open(context) {
          const tides = new Tides(context);
          opened.push(tides);
          return Promise.resolve({ app: { tides }, close: async () => void await tides.closed++ });
        },
      },
    },
  };
}

Deno.test("a standalone operation is answered in this process, and remembers between two commands", async () => {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-alone-" });
  try {
    const { slice, opened } = tidesSlice();
    const loaded = await loadConfig({ env: {}, cwd: dir, home: dir, systemFile: join(dir, "none") });
    const standalone = standaloneOf(level, [slice]);
    assert.ok(standalone !== undefined);
    const { signal } = new AbortController();
    const terminal = fakeTerminal();
    const answers = [];
    for (let run = 0; run < 2; run++) {
      const transport = await standaloneTransport(standalone, loaded, terminal, signal, join(dir, "state"));
      assert.equal(transport.kind, "standalone");
      answers.push(await transport.call(level, { port: "brest" }, signal));
      await assert.rejects(transport.call(level, { harbour: "x" }, signal), /port: is required/);
      await transport.close();
    }
    assert.deepEqual(answers, [{ port: "brest", pin: null }, { port: "brest", pin: "aa:bb" }]);
    assert.deepEqual(terminal.noted, ["Trusting aa:bb from now on"]);
    assert.deepEqual(opened.map((tides) => tides.closed), [1, 1]);
    assert.deepEqual([...Deno.readDirSync(dir)].map((entry) => entry.name), ["state"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the upstream counts as named to the command by flag or variable, unless a daemon is by flag", () => {
  const { slice } = tidesSlice();
  const given = (layers: Record<string, Layer["name"]>) =>
    isGiven(slice.standalone!, {
      layers: new Map(Object.entries(layers).map(([key, name]) => [key, { name, source: "" }])),
    });
  const host = "tides.harbours.brest.host";
  assert.equal(given({ [host]: "environment" }), true);
  assert.equal(given({ [host]: "flag", "api.url": "environment" }), true);
  assert.equal(given({ [host]: "environment", "api.url": "flag" }), false);
  assert.equal(given({ [host]: "system" }), false);
  assert.equal(given({ "tides.harbours.brest.password": "environment" }), false);
  assert.equal(given({ "tides.harbours.brest.host.name": "environment" }), false);
});

Deno.test("an operation that is not standalone, or whose slice does not say how, is told apart", () => {
  const { slice } = tidesSlice();
  assert.equal(standaloneOf({ ...level, standalone: false }, [slice]), undefined);
  assert.throws(() => standaloneOf(level, []), /does not say how/);
});
