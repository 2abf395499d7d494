/** What a unit lets its program reach: our own, and those people change or write themselves. */
import assert from "node:assert/strict";
import { readOnlyMount } from "../../src/cli/commands/doctor/host.ts";
import { readSandbox } from "../../src/cli/commands/doctor/sandbox.ts";
import { grantsFor } from "../../src/cli/commands/service/grants.ts";
import { unitText } from "../../src/cli/commands/service/unit.ts";

const OWN = unitText({
  binary: "/usr/local/bin/holdfast",
  flags: [],
  user: "holdfast",
  grants: grantsFor({
    sources: ["/srv/data", "/home/ada/a b:c%"],
    writes: ["/srv/backups", "/srv/data/in", "/home/out"],
    restoreOwners: false,
  }),
  graceSeconds: 60,
  lowPort: false,
  credentials: {},
});

const CASES: { unit: string[]; path: string; hides?: RegExp; keeps?: RegExp }[] = [
  { unit: [OWN], path: "/srv/data/x", keeps: /ReadOnlyPaths= .* makes \/srv\/data read-only/ },
  { unit: [OWN], path: "/srv/data/in/x" },
  { unit: [OWN], path: "/srv/backups" },
  { unit: [OWN], path: "/srv/backups2", keeps: /ProtectSystem=strict of its unit makes \/ read-only/ },
  { unit: [OWN], path: "/home/ada/a b:c%/d", keeps: /BindReadOnlyPaths=/ },
  { unit: [OWN], path: "/home/out/x" },
  { unit: [OWN], path: "/home/bob", hides: /ProtectHome=tmpfs of its unit hides \/home/, keeps: /strict/ },
  { unit: [OWN], path: "/", hides: /hides \/home inside it/, keeps: /strict/ },
  { unit: [OWN], path: "/tmp/x", hides: /PrivateTmp= of its unit hides \/tmp/ },
  { unit: [OWN], path: "/var/lib/holdfast/x" },
  {
    unit: [OWN, "[Service]\nProtectHome=read-only"],
    path: "/home/bob",
    keeps: /ProtectHome=read-only|strict/,
  },
  {
    unit: [OWN, "[Service]\nProtectHome=yes"],
    path: "/home/ada/a b:c%",
    hides: /ProtectHome=yes/,
    keeps: /Bind/,
  },
  { unit: [OWN, "[Service]\nReadWritePaths=/mnt/a /mnt/b"], path: "/mnt/b/c" },
  { unit: [OWN, "[Service]\nReadWritePaths="], path: "/srv/backups", keeps: /strict/ },
  {
    unit: [OWN, "[Service]\nInaccessiblePaths=/srv/data"],
    path: "/srv/data/x",
    hides: /InaccessiblePaths=/,
    keeps: /./,
  },
  { unit: ["[Service]\nExecStart=/x"], path: "/etc/x" },
  {
    unit: ["[Service]\nProtectSystem=full"],
    path: "/etc/x",
    keeps: /ProtectSystem=full of its unit makes \/etc/,
  },
  { unit: ["[Service]\nProtectSystem=yes"], path: "/etc/x" },
  { unit: ["[Service]\nBindPaths=/mnt/disk:/data"], path: "/data/x" },
];

for (const { unit, path, hides, keeps } of CASES) {
  const changes = unit.slice(1).join(" ").replaceAll("\n", " ");
  const name = unit[0] === OWN ? `our unit ${changes}` : unit[0]!.replaceAll("\n", " ");
  Deno.test(`${name}: ${path} is ${hides ? "hidden" : "seen"} and ${keeps ? "not written" : "written"}`, () => {
    const sandbox = readSandbox(unit);
    assert.match(sandbox.hides(path) ?? "", hides ?? /^$/);
    assert.match(sandbox.keepsFromWriting(path) ?? "", keeps ?? /^$/);
  });
}

Deno.test("capabilities are what is bounded and given, and all of them for root unless bounded", () => {
  const has = (unit: string, capability = "CAP_CHOWN") => readSandbox([unit]).has(capability);
  assert.equal(has("User=x"), false);
  assert.equal(has("User=x\nAmbientCapabilities=CAP_CHOWN"), true);
  assert.equal(has("User=x\nAmbientCapabilities=CAP_CHOWN\nCapabilityBoundingSet="), false);
  assert.equal(has("[Service]"), true);
  assert.equal(has("CapabilityBoundingSet=CAP_KILL"), false);
  assert.equal(has("CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet=CAP_CHOWN"), true);
  assert.equal(has("CapabilityBoundingSet=~CAP_CHOWN"), false);
  assert.equal(has("CapabilityBoundingSet=~CAP_KILL"), true);
  assert.equal(readSandbox([OWN]).has("CAP_DAC_READ_SEARCH"), true);
  assert.equal(readSandbox([OWN]).has("CAP_DAC_OVERRIDE"), false);
  assert.equal(readSandbox([OWN]).user, "holdfast");
});

Deno.test("a read-only file system is known by the mount that covers the path", () => {
  const mounts = [
    "21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
    "22 21 8:2 / /mnt/my\\040disk ro,relatime - ext4 /dev/sdb1 ro",
    "23 22 8:3 / /mnt/my\\040disk/in rw - ext4 /dev/sdc1 rw",
    "24 21 8:4 / /over ro - ext4 /dev/sdd1 ro",
    "25 21 8:5 / /over rw - ext4 /dev/sde1 rw",
  ].join("\n");
  assert.equal(readOnlyMount("/mnt/my disk/x", mounts), "/mnt/my disk");
  assert.equal(readOnlyMount("/mnt/my disk/in/x", mounts), undefined);
  assert.equal(readOnlyMount("/mnt/my disks", mounts), undefined);
  assert.equal(readOnlyMount("/over", mounts), undefined);
  assert.equal(readOnlyMount("/", ""), undefined);
});
