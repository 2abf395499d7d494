/** Which kept versions stay, and where the others wait in the trash. */
import assert from "node:assert/strict";
import { fromTrash, planVersions, trashPath, type VersionRules } from "../../src/monitor/versions/plan.ts";

const NOW = Date.parse("2026-03-10T14:00:00Z");

function kept(rules: Partial<VersionRules>, days = [10, 9, 8, 5, 1]): string {
  const versions = days.map((day, at) => ({
    entry_id: at,
    job_id: 1,
    job_name: "ACME/shop",
    due_at: `2026-03-${String(day).padStart(2, "0")}T13:00:00.000Z`,
    path: `/v/${day}`,
    size_bytes: 1,
    sha256: null,
  }));
  return planVersions(versions, { keep_versions: null, keep_days: null, ...rules }, NOW)
    .filter((decision) => decision.keep).map(({ version }) => version.path.slice(3)).join(" ");
}

const ROWS: readonly [string, Partial<VersionRules>, string][] = [
  ["without rules everything stays", {}, "10 9 8 5 1"],
  ["the newest so many stay", { keep_versions: 2 }, "10 9"],
  ["what is not older than so many days stays", { keep_days: 3 }, "10 9 8"],
  ["what either rule wants stays", { keep_versions: 4, keep_days: 1 }, "10 9 8 5"],
  ["the newest always stays", { keep_days: 1, keep_versions: 1 }, "10"],
];

for (const [what, rules, expected] of ROWS) {
  Deno.test(`of kept versions ${what}`, () => assert.equal(kept(rules), expected));
}

Deno.test("the newest stays however old it is", () => assert.equal(kept({ keep_days: 1 }, [2, 1]), "2"));

Deno.test("what goes is told why by every rule that does not want it", () => {
  const version = { entry_id: 1, job_id: 1, job_name: "x", path: "/v/1", size_bytes: 1, sha256: null };
  const versions = ["2026-03-02", "2026-03-01"].map((day) => ({
    ...version,
    due_at: `${day}T13:00:00.000Z`,
  }));
  const decisions = planVersions(versions, { keep_versions: 1, keep_days: 3 }, NOW);
  assert.deepEqual(decisions.map((one) => one.reason), [
    "the newest",
    "not one of the newest 1 and older than 3 days",
  ]);
});

Deno.test("the way into the trash leads back", () => {
  const path = "/srv/validated/ACME/shop/20260302T130000Z_shop.gz";
  const trashed = trashPath("/srv/validated", path, NOW);
  assert.equal(trashed, "/srv/validated/.trash/20260310T140000Z/ACME/shop/20260302T130000Z_shop.gz");
  assert.deepEqual(fromTrash("/srv/validated", trashed), { path, since: NOW });
  for (
    const other of [
      path,
      "/srv/validated/.trash/x/y",
      "/srv/validated/.trash/20260310T140000Z",
      "/.trash/a/b",
    ]
  ) {
    assert.equal(fromTrash("/srv/validated", other), undefined);
  }
});
