/** Several upstreams of one kind, named, and one without a name: what later sections are built on. */
import assert from "node:assert/strict";
import { z } from "zod";
import { leavesOf } from "../../src/config/leaves.ts";
import { Names } from "../../src/config/names.ts";
import { assemble } from "../../src/config/assemble.ts";
import { configRows, exampleYaml } from "../../src/config/show.ts";
import { host, type HostSpec } from "./support.ts";

const Router = z.strictObject({
  host: z.string().min(1).meta({ description: "Where it is", aliases: ["ROUTER_HOST"] }),
  token: z.string().nullable().default(null).meta({
    description: "Key",
    secret: true,
    aliases: ["ROUTER_TOKEN"],
  }),
  every_seconds: z.int().min(1).default(60).meta({
    description: "How often it is asked",
    aliases: [{ name: "ROUTER_EVERY_MINUTES", read: minutes }],
  }),
});

const Schema = z.strictObject({
  network: z.strictObject({
    routers: z.record(z.string(), Router).default({}),
  }).prefault({}).meta({ description: "Routers" }),
});

const LEAVES = leavesOf(Schema);

function minutes(text: string): string {
  if (!/^\d+$/.test(text)) throw new Error(`expected minutes, got "${text}"`);
  return `${text}m`;
}

async function assembled(spec: HostSpec) {
  using made = host(spec);
  return await assemble(Schema, new Names(LEAVES), made.sources);
}

Deno.test("the settings of a named upstream come from all layers, by its name", async () => {
  const { config, layers, problems } = await assembled({
    local: "network:\n  routers:\n    north-1:\n      host: a\n    south:\n      host: b\n",
    env: { HOLDFAST_NETWORK_ROUTERS_NORTH_1_EVERY_SECONDS: "2m", HOLDFAST_NETWORK_ROUTERS_SOUTH_TOKEN: "t" },
    args: { "network.routers.south.host": "c" },
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(config?.network.routers, {
    "north-1": { host: "a", token: null, every_seconds: 120 },
    south: { host: "c", token: "t", every_seconds: 60 },
  });
  assert.deepEqual(layers.get("network.routers.south.host"), {
    name: "flag",
    source: "--network-routers-south-host",
  });
});

Deno.test("variables of earlier tools make an upstream called default", async () => {
  const { config, layers } = await assembled({
    files: { key: "t\n" },
    env: { ROUTER_HOST: "r", ROUTER_TOKEN_FILE: "$ROOT/key", ROUTER_EVERY_MINUTES: "5" },
  });
  assert.deepEqual(config?.network.routers, { default: { host: "r", token: "t", every_seconds: 300 } });
  assert.equal(layers.get("network.routers.default.every_seconds")?.source, "ROUTER_EVERY_MINUTES");
});

Deno.test("a credential may belong to a named upstream", async () => {
  const { config } = await assembled({
    local: "network: {routers: {south: {host: b}}}",
    files: { "creds/network.routers.south.token": "t\n" },
    env: { CREDENTIALS_DIRECTORY: "$ROOT/creds" },
  });
  assert.equal(config?.network.routers.south?.token, "t");
});

Deno.test("what is wrong with a named upstream is told by its name", async () => {
  const rows: [HostSpec, RegExp][] = [
    [
      { local: "network:\n  routers:\n    south:\n      token: x" },
      /yaml:4: network.routers.south.host must be set/,
    ],
    [
      { local: "network: {routers: {south: {hosst: b, host: a}}}" },
      /did you mean "network.routers.south.host"/,
    ],
    [
      { local: "network: {routers: {South: {host: b}}}" },
      /unknown setting "network.routers.South": a name is/,
    ],
    [{ local: "network: {routers: {south: b}}" }, /"network.routers.south" is a section/],
    [
      { env: { ROUTER_HOST: "r", ROUTER_EVERY_MINUTES: "x" } },
      /ROUTER_EVERY_MINUTES: expected minutes, got "x"/,
    ],
    [{ args: { "network.routers.a b.host": "x" } }, /unknown setting/],
  ];
  for (const [spec, expected] of rows) {
    const { problems } = await assembled(spec);
    assert.equal(problems.length, 1, problems.map((problem) => problem.message).join("; "));
    assert.match(problems[0]!.message, expected);
  }
});

Deno.test("named upstreams are shown one by one, and explained once in the example", async () => {
  const all = await assembled({ local: "network: {routers: {south: {host: b, token: t}}}" });
  assert.deepEqual(
    configRows({ config: all.config, layers: all.layers }, LEAVES).map(({ key, value }) => [key, value]),
    [
      ["network.routers.south.host", "b"],
      ["network.routers.south.token", "***"],
      ["network.routers.south.every_seconds", 60],
    ],
  );
  const example = exampleYaml(LEAVES, new Map([["network", "Routers"]]));
  assert.match(example, /^network:\n {2}routers:\n {4}#name:\n/m);
  assert.match(example, /^ {4}# {2}every_seconds: 1m$/m);
});

Deno.test("a leaf without a description, with a misspelt mark or of a kind text cannot give is refused", () => {
  const rows: [z.ZodType, RegExp][] = [
    [z.string(), /no description/],
    [z.string().meta({ description: "x", secrt: true }), /unknown metadata "secrt"/],
    [z.string().meta({ description: "x", aliases: [5] }), /an alias is a name/],
    [z.date().meta({ description: "x" }), /settings are texts, numbers/],
  ];
  for (const [type, expected] of rows) assert.throws(() => leavesOf(z.strictObject({ x: type })), expected);
});
