import assert from "node:assert/strict";
import { keepNewest, planRetention, type Retained } from "../../src/backups/mod.ts";

/**
 * One letter per backup, oldest first: `v` verified good, `u` complete but never verified, `f` failed, `b` found
 * broken, `m` found missing, `c` found changed.
 */
function series(letters: string): Retained[] {
  return [...letters].map((letter, i) => ({
    id: `${i}`,
    created_at: `2026-01-02T00:00:${String(i).padStart(2, "0")}.000Z`,
    status: letter === "f" ? "failed" : "completed",
    verified_ok: letter === "u" ? null : letter !== "b",
    missing_since: letter === "m" ? "2026-01-03T00:00:00.000Z" : null,
    changed_at: letter === "c" ? "2026-01-03T00:00:00.000Z" : null,
    size_bytes: 10,
    source_bytes: 20,
  }));
}

/** The letters with what is removed as a dot; `trust` whatever the newest looks like. */
function kept(letters: string, max: number, trust = true): string {
  const { decisions } = planRetention(series(letters), keepNewest(max), { trust_newest: trust });
  const removed = new Set(decisions.filter(({ keep }) => !keep).map(({ backup }) => Number(backup.id)));
  return [...letters].map((letter, i) => removed.has(i) ? "." : letter).join("");
}

Deno.test("retention keeps the newest, and never removes the last verified good copy", () => {
  const rows: [string, number, string, string][] = [
    ["", 3, "", "nothing to decide"],
    ["v", 3, "v", "fewer than allowed"],
    ["vvv", 3, "vvv", "as many as allowed"],
    ["vvvvv", 3, "..vvv", "the oldest go"],
    ["vv", 1, ".v", "one is enough"],
    ["vf", 1, "vf", "a failed one does not push out the good one"],
    ["vff", 1, "v.f", "failed ones are limited too"],
    ["vfv", 1, "..v", "a failed one goes once a newer one is complete"],
    ["fvv", 3, ".vv", "even while there is room: it is no copy to restore"],
    ["fff", 2, ".ff", "only failed ones: the newest are all there is"],
    ["vuu", 2, "vuu", "unverified copies do not replace the last verified one"],
    ["vvuu", 2, ".vuu", "but only one verified copy is kept beyond the maximum"],
    ["vuuv", 2, "..uv", "a newer verified copy frees the old one"],
    ["uuu", 2, ".uu", "without any verified copy the newest stay"],
    ["vb", 1, "vb", "a broken copy takes no place"],
    ["vbv", 1, "..v", "and ages out"],
    ["vbv", 2, "vbv", "with its neighbours"],
    ["vmm", 1, "vmm", "nor does a missing one"],
    ["vcc", 1, "vcc", "nor does a changed one, which may be evidence"],
    ["vvbbb", 2, "vvbbb", "however many are broken, the good ones stay"],
    ["bvvv", 2, "..vv", "an old broken one goes with the old good one"],
    ["bbb", 1, "bbb", "nothing is removed when nothing is usable"],
    ["vfbmu", 1, "v...u", "the only verified copy outlives all that came between"],
  ];
  for (const [letters, max, expected, why] of rows) {
    assert.equal(kept(letters, max), expected, `${letters} max ${max}: ${why}`);
  }
});

Deno.test("retention explains each decision, newest first", () => {
  const plan = planRetention(series("vffbmvu"), keepNewest(1), { trust_newest: true });
  const reasons = plan.decisions.map(({ backup, keep, reason }) => [backup.id, keep, reason]);
  assert.deepEqual(reasons, [
    ["6", true, "number 1 of the 1 newest"],
    ["5", true, "last verified good copy"],
    ["4", false, "missing, and older than the 1 newest"],
    ["3", false, "broken, and older than the 1 newest"],
    ["2", false, "failed, and a newer copy is complete"],
    ["1", false, "failed, and a newer copy is complete"],
    ["0", false, "older than the 1 newest"],
  ]);
});

Deno.test("retention never leaves a schedule without a good copy it had, and keeps no more good ones than it should", () => {
  const letters = "vufbmc";
  for (let n = 0; n < letters.length ** 4; n++) {
    const text = [0, 1, 2, 3].map((i) => letters[Math.floor(n / letters.length ** i) % letters.length]).join(
      "",
    );
    for (const max of [1, 2, 3]) {
      const left = kept(text, max);
      assert.equal(left.includes("v"), text.includes("v"), `${text} ${max} ${left}`);
      assert.ok(
        [...left].filter((letter) => "vu".includes(letter)).length <= max + 1,
        `${text} ${max} ${left}`,
      );
      assert.equal(
        kept(left.replaceAll(".", ""), max),
        left.replaceAll(".", ""),
        `${text} ${max}: twice is once`,
      );
    }
  }
});

Deno.test("nothing goes while the newest copy is not verified, and earlier ones are", () => {
  const rows: [string, number, string][] = [
    ["vvuu", 2, "vvuu"],
    ["vfbmu", 1, "vfbmu"],
    ["vvuv", 1, "...v"],
    ["uuu", 2, ".uu"],
    ["vvf", 1, ".vf"],
  ];
  for (const [letters, max, expected] of rows) assert.equal(kept(letters, max, false), expected, letters);
});
